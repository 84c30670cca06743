# What goes where, relative to the prefix; tests/integration/install_test.sh holds the list.
set(CMC_EXAMPLES ${CMAKE_INSTALL_DOCDIR}/examples)

# The build folder has the layout of an installation, so that the shim finds its helper in both.
foreach(program cmc-measure cmc-recorder)
  if(TARGET ${program})
    set_target_properties(${program} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/libexec/cmc)
  endif()
endforeach()
foreach(program cmcctl)
  if(TARGET ${program})
    set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  endif()
endforeach()

file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.[1-8])
foreach(page IN LISTS pages)
  string(REGEX MATCH "[1-8]$" section ${page})
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# Units name programs by their absolute path. lib/systemd below /usr and /usr/local are both read.
file(GLOB units RELATIVE ${PROJECT_SOURCE_DIR}/example-setup/systemd CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/example-setup/systemd/*)
foreach(unit IN LISTS units)
  string(REGEX REPLACE "\\.in$" "" name ${unit})
  configure_file(example-setup/systemd/${unit} ${PROJECT_BINARY_DIR}/systemd/${name} @ONLY)
  if(name MATCHES "tmpfiles|\\.conf$")
    install(FILES ${PROJECT_BINARY_DIR}/systemd/${name} DESTINATION lib/tmpfiles.d)
  else()
    install(FILES ${PROJECT_BINARY_DIR}/systemd/${name} DESTINATION lib/systemd/system)
  endif()
endforeach()

install(FILES README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES
  example-setup/containerd/config-1.x.toml
  example-setup/containerd/config-2.x.toml
  example-setup/kubernetes/runtimeclass.yaml
  example-setup/etc/shim.json
  DESTINATION ${CMC_EXAMPLES})
