/* SPDX-License-Identifier: Apache-2.0 */
/* measure/spec_table.c -- every member of the OCI runtime specification 1.3.0, types before the
 * types that hold them. Tests compare it with the published list and with the format page. */
#include "measure/spec_table.h"

#define TYPE(name, members)                                                                        \
    {                                                                                              \
        name, members, sizeof(members) / sizeof((members)[0])                                      \
    }
#define ROW(name, shape, base)                                                                     \
    {                                                                                              \
        name, SPEC_##shape, SPEC_##base, NULL, SPEC_MEASURED                                       \
    }
#define ONE(name, base)   ROW(name, ONE, base)
#define ARRAY(name, base) ROW(name, ARRAY, base)
#define MAP(name, base)   ROW(name, MAP, base)

#define ROW_OF(name, shape, type)                                                                  \
    {                                                                                              \
        name, SPEC_##shape, SPEC_STRUCT, &(type), SPEC_MEASURED                                    \
    }
#define ONE_OF(name, type)   ROW_OF(name, ONE, type)
#define ARRAY_OF(name, type) ROW_OF(name, ARRAY, type)
#define MAP_OF(name, type)   ROW_OF(name, MAP, type)

static const struct spec_member box_members[] = {ONE("height", UINT64), ONE("width", UINT64)};
static const struct spec_type box = TYPE("Box", box_members);

static const struct spec_member user_members[] = {
    ONE("uid", UINT32), ONE("gid", UINT32), ONE("umask", UINT32), ARRAY("additionalGids", UINT32),
    ONE("username", STRING)};
static const struct spec_type user = TYPE("User", user_members);

static const struct spec_member linux_capabilities_members[] = {
    ARRAY("bounding", STRING), ARRAY("effective", STRING), ARRAY("inheritable", STRING),
    ARRAY("permitted", STRING), ARRAY("ambient", STRING)};
static const struct spec_type linux_capabilities =
    TYPE("LinuxCapabilities", linux_capabilities_members);

static const struct spec_member posix_rlimit_members[] = {ONE("type", STRING), ONE("hard", UINT64),
                                                          ONE("soft", UINT64)};
static const struct spec_type posix_rlimit = TYPE("POSIXRlimit", posix_rlimit_members);

static const struct spec_member scheduler_members[] = {
    ONE("policy", STRING),  ONE("nice", INT32),      ONE("priority", INT32), ARRAY("flags", STRING),
    ONE("runtime", UINT64), ONE("deadline", UINT64), ONE("period", UINT64)};
static const struct spec_type scheduler = TYPE("Scheduler", scheduler_members);

static const struct spec_member linux_io_priority_members[] = {ONE("class", STRING),
                                                               ONE("priority", INT64)};
static const struct spec_type linux_io_priority =
    TYPE("LinuxIOPriority", linux_io_priority_members);

static const struct spec_member cpu_affinity_members[] = {ONE("initial", STRING),
                                                          ONE("final", STRING)};
static const struct spec_type cpu_affinity = TYPE("CPUAffinity", cpu_affinity_members);

static const struct spec_member process_members[] = {
    {"terminal", SPEC_ONE, SPEC_BOOL, NULL, SPEC_LEFT_OUT},
    {"consoleSize", SPEC_ONE, SPEC_STRUCT, &box, SPEC_LEFT_OUT},
    ONE_OF("user", user),
    ARRAY("args", STRING),
    ONE("commandLine", STRING),
    {"env", SPEC_ARRAY, SPEC_STRING, NULL, SPEC_ENV},
    ONE("cwd", STRING),
    ONE_OF("capabilities", linux_capabilities),
    ARRAY_OF("rlimits", posix_rlimit),
    ONE("noNewPrivileges", BOOL),
    ONE("apparmorProfile", STRING),
    ONE("oomScoreAdj", INT64),
    ONE_OF("scheduler", scheduler),
    ONE("selinuxLabel", STRING),
    ONE_OF("ioPriority", linux_io_priority),
    ONE_OF("execCPUAffinity", cpu_affinity)};
static const struct spec_type process = TYPE("Process", process_members);

static const struct spec_member root_members[] = {
    {"path", SPEC_ONE, SPEC_STRING, NULL, SPEC_ROOT_PATH}, ONE("readonly", BOOL)};
static const struct spec_type root = TYPE("Root", root_members);

static const struct spec_member linux_id_mapping_members[] = {
    ONE("containerID", UINT32), ONE("hostID", UINT32), ONE("size", UINT32)};
static const struct spec_type linux_id_mapping = TYPE("LinuxIDMapping", linux_id_mapping_members);

static const struct spec_member mount_members[] = {
    ONE("destination", STRING),
    ONE("type", STRING),
    {"source", SPEC_ONE, SPEC_STRING, NULL, SPEC_MOUNT_SOURCE},
    ARRAY("options", STRING),
    ARRAY_OF("uidMappings", linux_id_mapping),
    ARRAY_OF("gidMappings", linux_id_mapping)};
static const struct spec_type mount = TYPE("Mount", mount_members);

static const struct spec_member hook_members[] = {ONE("path", STRING), ARRAY("args", STRING),
                                                  ARRAY("env", STRING), ONE("timeout", INT64)};
static const struct spec_type hook = TYPE("Hook", hook_members);

static const struct spec_member hooks_members[] = {
    ARRAY_OF("prestart", hook),        ARRAY_OF("createRuntime", hook),
    ARRAY_OF("createContainer", hook), ARRAY_OF("startContainer", hook),
    ARRAY_OF("poststart", hook),       ARRAY_OF("poststop", hook)};
static const struct spec_type hooks = TYPE("Hooks", hooks_members);

static const struct spec_member linux_device_cgroup_members[] = {
    ONE("allow", BOOL), ONE("type", STRING), ONE("major", INT64), ONE("minor", INT64),
    ONE("access", STRING)};
static const struct spec_type linux_device_cgroup =
    TYPE("LinuxDeviceCgroup", linux_device_cgroup_members);

static const struct spec_member linux_memory_members[] = {
    ONE("limit", INT64),           ONE("reservation", INT64), ONE("swap", INT64),
    ONE("kernel", INT64),          ONE("kernelTCP", INT64),   ONE("swappiness", UINT64),
    ONE("disableOOMKiller", BOOL), ONE("useHierarchy", BOOL), ONE("checkBeforeUpdate", BOOL)};
static const struct spec_type linux_memory = TYPE("LinuxMemory", linux_memory_members);

static const struct spec_member linux_cpu_members[] = {
    ONE("shares", UINT64), ONE("quota", INT64),           ONE("burst", UINT64),
    ONE("period", UINT64), ONE("realtimeRuntime", INT64), ONE("realtimePeriod", UINT64),
    ONE("cpus", STRING),   ONE("mems", STRING),           ONE("idle", INT64)};
static const struct spec_type linux_cpu = TYPE("LinuxCPU", linux_cpu_members);

static const struct spec_member linux_pids_members[] = {ONE("limit", INT64)};
static const struct spec_type linux_pids = TYPE("LinuxPids", linux_pids_members);

static const struct spec_member linux_weight_device_members[] = {
    ONE("major", INT64), ONE("minor", INT64), ONE("weight", UINT16), ONE("leafWeight", UINT16)};
static const struct spec_type linux_weight_device =
    TYPE("LinuxWeightDevice", linux_weight_device_members);

static const struct spec_member linux_throttle_device_members[] = {
    ONE("major", INT64), ONE("minor", INT64), ONE("rate", UINT64)};
static const struct spec_type linux_throttle_device =
    TYPE("LinuxThrottleDevice", linux_throttle_device_members);

static const struct spec_member linux_block_io_members[] = {
    ONE("weight", UINT16),
    ONE("leafWeight", UINT16),
    ARRAY_OF("weightDevice", linux_weight_device),
    ARRAY_OF("throttleReadBpsDevice", linux_throttle_device),
    ARRAY_OF("throttleWriteBpsDevice", linux_throttle_device),
    ARRAY_OF("throttleReadIOPSDevice", linux_throttle_device),
    ARRAY_OF("throttleWriteIOPSDevice", linux_throttle_device)};
static const struct spec_type linux_block_io = TYPE("LinuxBlockIO", linux_block_io_members);

static const struct spec_member linux_hugepage_limit_members[] = {ONE("pageSize", STRING),
                                                                  ONE("limit", UINT64)};
static const struct spec_type linux_hugepage_limit =
    TYPE("LinuxHugepageLimit", linux_hugepage_limit_members);

static const struct spec_member linux_interface_priority_members[] = {ONE("name", STRING),
                                                                      ONE("priority", UINT32)};
static const struct spec_type linux_interface_priority =
    TYPE("LinuxInterfacePriority", linux_interface_priority_members);

static const struct spec_member linux_network_members[] = {
    ONE("classID", UINT32), ARRAY_OF("priorities", linux_interface_priority)};
static const struct spec_type linux_network = TYPE("LinuxNetwork", linux_network_members);

static const struct spec_member linux_rdma_members[] = {ONE("hcaHandles", UINT32),
                                                        ONE("hcaObjects", UINT32)};
static const struct spec_type linux_rdma = TYPE("LinuxRdma", linux_rdma_members);

static const struct spec_member linux_resources_members[] = {
    ARRAY_OF("devices", linux_device_cgroup),
    ONE_OF("memory", linux_memory),
    ONE_OF("cpu", linux_cpu),
    ONE_OF("pids", linux_pids),
    ONE_OF("blockIO", linux_block_io),
    ARRAY_OF("hugepageLimits", linux_hugepage_limit),
    ONE_OF("network", linux_network),
    MAP_OF("rdma", linux_rdma),
    MAP("unified", STRING)};
static const struct spec_type linux_resources = TYPE("LinuxResources", linux_resources_members);

static const struct spec_member linux_namespace_members[] = {ONE("type", STRING),
                                                             ONE("path", STRING)};
static const struct spec_type linux_namespace = TYPE("LinuxNamespace", linux_namespace_members);

static const struct spec_member linux_device_members[] = {
    ONE("path", STRING),     ONE("type", STRING), ONE("major", INT64), ONE("minor", INT64),
    ONE("fileMode", UINT32), ONE("uid", UINT32),  ONE("gid", UINT32)};
static const struct spec_type linux_device = TYPE("LinuxDevice", linux_device_members);

static const struct spec_member linux_net_device_members[] = {ONE("name", STRING)};
static const struct spec_type linux_net_device = TYPE("LinuxNetDevice", linux_net_device_members);

static const struct spec_member linux_seccomp_arg_members[] = {
    ONE("index", UINT64), ONE("value", UINT64), ONE("valueTwo", UINT64), ONE("op", STRING)};
static const struct spec_type linux_seccomp_arg =
    TYPE("LinuxSeccompArg", linux_seccomp_arg_members);

static const struct spec_member linux_syscall_members[] = {
    ARRAY("names", STRING), ONE("action", STRING), ONE("errnoRet", UINT64),
    ARRAY_OF("args", linux_seccomp_arg)};
static const struct spec_type linux_syscall = TYPE("LinuxSyscall", linux_syscall_members);

static const struct spec_member linux_seccomp_members[] = {
    ONE("defaultAction", STRING),       ONE("defaultErrnoRet", UINT64),
    ARRAY("architectures", STRING),     ARRAY("flags", STRING),
    ONE("listenerPath", STRING),        ONE("listenerMetadata", STRING),
    ARRAY_OF("syscalls", linux_syscall)};
static const struct spec_type linux_seccomp = TYPE("LinuxSeccomp", linux_seccomp_members);

static const struct spec_member linux_intel_rdt_members[] = {
    ONE("closID", STRING), ARRAY("schemata", STRING), ONE("l3CacheSchema", STRING),
    ONE("memBwSchema", STRING), ONE("enableMonitoring", BOOL)};
static const struct spec_type linux_intel_rdt = TYPE("LinuxIntelRdt", linux_intel_rdt_members);

static const struct spec_member linux_memory_policy_members[] = {
    ONE("mode", STRING), ONE("nodes", STRING), ARRAY("flags", STRING)};
static const struct spec_type linux_memory_policy =
    TYPE("LinuxMemoryPolicy", linux_memory_policy_members);

static const struct spec_member linux_personality_members[] = {ONE("domain", STRING),
                                                               ARRAY("flags", STRING)};
static const struct spec_type linux_personality =
    TYPE("LinuxPersonality", linux_personality_members);

static const struct spec_member linux_time_offset_members[] = {ONE("secs", INT64),
                                                               ONE("nanosecs", UINT32)};
static const struct spec_type linux_time_offset =
    TYPE("LinuxTimeOffset", linux_time_offset_members);

static const struct spec_member linux_members[] = {
    ARRAY_OF("uidMappings", linux_id_mapping),
    ARRAY_OF("gidMappings", linux_id_mapping),
    MAP("sysctl", STRING),
    ONE_OF("resources", linux_resources),
    {"cgroupsPath", SPEC_ONE, SPEC_STRING, NULL, SPEC_CGROUPS_PATH},
    ARRAY_OF("namespaces", linux_namespace),
    ARRAY_OF("devices", linux_device),
    MAP_OF("netDevices", linux_net_device),
    ONE_OF("seccomp", linux_seccomp),
    ONE("rootfsPropagation", STRING),
    ARRAY("maskedPaths", STRING),
    ARRAY("readonlyPaths", STRING),
    ONE("mountLabel", STRING),
    ONE_OF("intelRdt", linux_intel_rdt),
    ONE_OF("memoryPolicy", linux_memory_policy),
    ONE_OF("personality", linux_personality),
    MAP_OF("timeOffsets", linux_time_offset)};
/* "linux" itself is a macro of gcc */
static const struct spec_type linux_part = TYPE("Linux", linux_members);

static const struct spec_member solaris_anet_members[] = {
    ONE("linkname", STRING),       ONE("lowerLink", STRING),
    ONE("allowedAddress", STRING), ONE("configureAllowedAddress", STRING),
    ONE("defrouter", STRING),      ONE("linkProtection", STRING),
    ONE("macAddress", STRING)};
static const struct spec_type solaris_anet = TYPE("SolarisAnet", solaris_anet_members);

static const struct spec_member solaris_capped_cpu_members[] = {ONE("ncpus", STRING)};
static const struct spec_type solaris_capped_cpu =
    TYPE("SolarisCappedCPU", solaris_capped_cpu_members);

static const struct spec_member solaris_capped_memory_members[] = {ONE("physical", STRING),
                                                                   ONE("swap", STRING)};
static const struct spec_type solaris_capped_memory =
    TYPE("SolarisCappedMemory", solaris_capped_memory_members);

static const struct spec_member solaris_members[] = {ONE("milestone", STRING),
                                                     ONE("limitpriv", STRING),
                                                     ONE("maxShmMemory", STRING),
                                                     ARRAY_OF("anet", solaris_anet),
                                                     ONE_OF("cappedCPU", solaris_capped_cpu),
                                                     ONE_OF("cappedMemory", solaris_capped_memory)};
static const struct spec_type solaris = TYPE("Solaris", solaris_members);

static const struct spec_member windows_device_members[] = {ONE("id", STRING),
                                                            ONE("idType", STRING)};
static const struct spec_type windows_device = TYPE("WindowsDevice", windows_device_members);

static const struct spec_member windows_memory_resources_members[] = {ONE("limit", UINT64)};
static const struct spec_type windows_memory_resources =
    TYPE("WindowsMemoryResources", windows_memory_resources_members);

static const struct spec_member windows_cpu_group_affinity_members[] = {ONE("mask", UINT64),
                                                                        ONE("group", UINT32)};
static const struct spec_type windows_cpu_group_affinity =
    TYPE("WindowsCPUGroupAffinity", windows_cpu_group_affinity_members);

static const struct spec_member windows_cpu_resources_members[] = {
    ONE("count", UINT64), ONE("shares", UINT16), ONE("maximum", UINT16),
    ARRAY_OF("affinity", windows_cpu_group_affinity)};
static const struct spec_type windows_cpu_resources =
    TYPE("WindowsCPUResources", windows_cpu_resources_members);

static const struct spec_member windows_storage_resources_members[] = {
    ONE("iops", UINT64), ONE("bps", UINT64), ONE("sandboxSize", UINT64)};
static const struct spec_type windows_storage_resources =
    TYPE("WindowsStorageResources", windows_storage_resources_members);

static const struct spec_member windows_resources_members[] = {
    ONE_OF("memory", windows_memory_resources), ONE_OF("cpu", windows_cpu_resources),
    ONE_OF("storage", windows_storage_resources)};
static const struct spec_type windows_resources =
    TYPE("WindowsResources", windows_resources_members);

static const struct spec_member windows_hyperv_members[] = {ONE("utilityVMPath", STRING)};
static const struct spec_type windows_hyperv = TYPE("WindowsHyperV", windows_hyperv_members);

static const struct spec_member windows_network_members[] = {
    ARRAY("endpointList", STRING), ONE("allowUnqualifiedDNSQuery", BOOL),
    ARRAY("DNSSearchList", STRING), ONE("networkSharedContainerName", STRING),
    ONE("networkNamespace", STRING)};
static const struct spec_type windows_network = TYPE("WindowsNetwork", windows_network_members);

static const struct spec_member windows_members[] = {ARRAY("layerFolders", STRING),
                                                     ARRAY_OF("devices", windows_device),
                                                     ONE_OF("resources", windows_resources),
                                                     ONE("credentialSpec", ANY),
                                                     ONE("servicing", BOOL),
                                                     ONE("ignoreFlushesDuringBoot", BOOL),
                                                     ONE_OF("hyperv", windows_hyperv),
                                                     ONE_OF("network", windows_network)};
static const struct spec_type windows = TYPE("Windows", windows_members);

static const struct spec_member vm_hypervisor_members[] = {ONE("path", STRING),
                                                           ARRAY("parameters", STRING)};
static const struct spec_type vm_hypervisor = TYPE("VMHypervisor", vm_hypervisor_members);

static const struct spec_member vm_kernel_members[] = {
    ONE("path", STRING), ARRAY("parameters", STRING), ONE("initrd", STRING)};
static const struct spec_type vm_kernel = TYPE("VMKernel", vm_kernel_members);

static const struct spec_member vm_image_members[] = {ONE("path", STRING), ONE("format", STRING)};
static const struct spec_type vm_image = TYPE("VMImage", vm_image_members);

static const struct spec_member io_mems_members[] = {
    ONE("firstGFN", UINT64), ONE("firstMFN", UINT64), ONE("nrMFNs", UINT64)};
static const struct spec_type io_mems = TYPE("IOMems", io_mems_members);

static const struct spec_member hw_config_members[] = {
    ONE("deviceTree", STRING), ONE("vcpus", UINT32),        ONE("memory", UINT64),
    ARRAY("dtdevs", STRING),   ARRAY_OF("iomems", io_mems), ARRAY("irqs", UINT32)};
static const struct spec_type hw_config = TYPE("HWConfig", hw_config_members);

static const struct spec_member vm_members[] = {
    ONE_OF("hypervisor", vm_hypervisor), ONE_OF("kernel", vm_kernel), ONE_OF("image", vm_image),
    ONE_OF("hwconfig", hw_config)};
static const struct spec_type vm = TYPE("VM", vm_members);

static const struct spec_member zos_namespace_members[] = {ONE("type", STRING),
                                                           ONE("path", STRING)};
static const struct spec_type zos_namespace = TYPE("ZOSNamespace", zos_namespace_members);

static const struct spec_member zos_members[] = {ARRAY_OF("namespaces", zos_namespace)};
static const struct spec_type zos = TYPE("ZOS", zos_members);

static const struct spec_member freebsd_device_members[] = {ONE("path", STRING),
                                                            ONE("mode", UINT32)};
static const struct spec_type freebsd_device = TYPE("FreeBSDDevice", freebsd_device_members);

static const struct spec_member freebsd_jail_allow_members[] = {
    ONE("setHostname", BOOL), ONE("rawSockets", BOOL),    ONE("chflags", BOOL),
    ARRAY("mount", STRING),   ONE("quotas", BOOL),        ONE("socketAf", BOOL),
    ONE("mlock", BOOL),       ONE("reservedPorts", BOOL), ONE("suser", BOOL)};
static const struct spec_type freebsd_jail_allow =
    TYPE("FreeBSDJailAllow", freebsd_jail_allow_members);

static const struct spec_member freebsd_jail_members[] = {ONE("parent", STRING),
                                                          ONE("host", STRING),
                                                          ONE("ip4", STRING),
                                                          ARRAY("ip4Addr", STRING),
                                                          ONE("ip6", STRING),
                                                          ARRAY("ip6Addr", STRING),
                                                          ONE("vnet", STRING),
                                                          ONE("interface", STRING),
                                                          ARRAY("vnetInterfaces", STRING),
                                                          ONE("sysvmsg", STRING),
                                                          ONE("sysvsem", STRING),
                                                          ONE("sysvshm", STRING),
                                                          ONE("enforceStatfs", INT64),
                                                          ONE_OF("allow", freebsd_jail_allow)};
static const struct spec_type freebsd_jail = TYPE("FreeBSDJail", freebsd_jail_members);

static const struct spec_member freebsd_members[] = {ARRAY_OF("devices", freebsd_device),
                                                     ONE_OF("jail", freebsd_jail)};
static const struct spec_type freebsd = TYPE("FreeBSD", freebsd_members);

static const struct spec_member spec_members[] = {
    ONE("ociVersion", STRING),   ONE_OF("process", process),
    ONE_OF("root", root),        ONE("hostname", STRING),
    ONE("domainname", STRING),   ARRAY_OF("mounts", mount),
    ONE_OF("hooks", hooks),      {"annotations", SPEC_MAP, SPEC_STRING, NULL, SPEC_ANNOTATIONS},
    ONE_OF("linux", linux_part), ONE_OF("solaris", solaris),
    ONE_OF("windows", windows),  ONE_OF("vm", vm),
    ONE_OF("zos", zos),          ONE_OF("freebsd", freebsd)};
const struct spec_type measure_spec = TYPE("Spec", spec_members);
