# What goes where beside the programs, relative to the prefix. Programs are installed by their own
# folders; tests/install-list.txt holds the list of all files, which a test compares.

# The build folder has the layout of an installation, so that the shim finds its helper in both.
set_target_properties(cmc-measure cmc-recorder PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/libexec/cmc)
set_target_properties(cmcctl PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

foreach(page cmc-signing-tool.1 cmcctl.1 measure-bundle.1 cmc-shim.json.5 cmcd.json.5 cmc-measure.8 cmc-recorder.8 cmcd.8 containerd-shim-cmc-v1.8)
  string(REGEX MATCH "[1-8]$" section ${page})
  install(FILES docs/man/${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# signed references of an image: from it alone, from the containerd that runs it; of the host
install(PROGRAMS example-setup/update-container-manifest example-setup/update-container-manifest-live
  example-setup/update-manifest DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES example-setup/lib/manifest.sh DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/lib)
install(FILES example-setup/rules/cri.json DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/rules)

# authorities and certificates; beside their profiles
install(PROGRAMS pki/new-signer pki/revoke pki/setup-pki pki/sign-ak pki/sign-tls
  DESTINATION ${CMAKE_INSTALL_DATADIR}/cmc/pki)
install(FILES pki/README.md pki/lib.sh DESTINATION ${CMAKE_INSTALL_DATADIR}/cmc/pki)
install(DIRECTORY pki/profiles DESTINATION ${CMAKE_INSTALL_DATADIR}/cmc/pki)

# systemd reads lib/systemd below /usr and below /usr/local; the unit names an absolute path
foreach(unit cmc-recorder cmc-recorder-requests cmcd)
  configure_file(example-setup/systemd/${unit}.service.in systemd/${unit}.service @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/systemd/${unit}.service DESTINATION lib/systemd/system)
endforeach()
install(FILES example-setup/systemd/cmc-recorder.socket example-setup/systemd/cmcd.socket
  DESTINATION lib/systemd/system)

install(FILES README.md CHANGELOG.md SECURITY.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES
  example-setup/containerd/config-1.x.toml
  example-setup/containerd/config-2.x.toml
  example-setup/docker/daemon.json
  example-setup/etc/cmcd.json
  example-setup/etc/shim.json
  example-setup/kubernetes/runtimeclass.yaml
  DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
