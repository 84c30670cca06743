/* SPDX-License-Identifier: Apache-2.0 */
/* measure/spec_table.c -- every member of the OCI runtime specification 1.3.0, types before the
 * types that hold them. Tests compare it with the published list and with the format page. */
#include "measure/spec_table.h"

#define TYPE(name, members)                                                                        \
    {                                                                                              \
        name, members, sizeof(members) / sizeof((members)[0])                                      \
    }
#define ROW(name, shape, base, go)                                                                 \
    {                                                                                              \
        name, SPEC_##shape, SPEC_##base, NULL, SPEC_MEASURED, go                                   \
    }
#define ONE(name, base)          ROW(name, ONE, base, 0)
#define PTR(name, base)          ROW(name, ONE, base, SPEC_POINTER)
#define ALWAYS(name, base)       ROW(name, ONE, base, SPEC_ALWAYS)
#define ALWAYS_PTR(name, base)   ROW(name, ONE, base, SPEC_ALWAYS | SPEC_POINTER)
#define ARRAY(name, base)        ROW(name, ARRAY, base, 0)
#define ALWAYS_ARRAY(name, base) ROW(name, ARRAY, base, SPEC_ALWAYS)
#define MAP(name, base)          ROW(name, MAP, base, 0)

#define ROW_OF(name, shape, type, go)                                                              \
    {                                                                                              \
        name, SPEC_##shape, SPEC_STRUCT, &(type), SPEC_MEASURED, go                                \
    }
#define PTR_OF(name, type)    ROW_OF(name, ONE, type, SPEC_POINTER)
#define ALWAYS_OF(name, type) ROW_OF(name, ONE, type, SPEC_ALWAYS)
#define ARRAY_OF(name, type)  ROW_OF(name, ARRAY, type, 0)
#define MAP_OF(name, type)    ROW_OF(name, MAP, type, 0)

static const struct spec_member box_members[] = {ALWAYS("height", UINT64), ALWAYS("width", UINT64)};
static const struct spec_type box = TYPE("Box", box_members);

static const struct spec_member user_members[] = {
    ALWAYS("uid", UINT32), ALWAYS("gid", UINT32), PTR("umask", UINT32),
    ARRAY("additionalGids", UINT32), ONE("username", STRING)};
static const struct spec_type user = TYPE("User", user_members);

static const struct spec_member linux_capabilities_members[] = {
    ARRAY("bounding", STRING), ARRAY("effective", STRING), ARRAY("inheritable", STRING),
    ARRAY("permitted", STRING), ARRAY("ambient", STRING)};
static const struct spec_type linux_capabilities =
    TYPE("LinuxCapabilities", linux_capabilities_members);

static const struct spec_member posix_rlimit_members[] = {
    ALWAYS("type", STRING), ALWAYS("hard", UINT64), ALWAYS("soft", UINT64)};
static const struct spec_type posix_rlimit = TYPE("POSIXRlimit", posix_rlimit_members);

static const struct spec_member scheduler_members[] = {
    ALWAYS("policy", STRING), ONE("nice", INT32),     ONE("priority", INT32),
    ARRAY("flags", STRING),   ONE("runtime", UINT64), ONE("deadline", UINT64),
    ONE("period", UINT64)};
static const struct spec_type scheduler = TYPE("Scheduler", scheduler_members);

static const struct spec_member linux_io_priority_members[] = {ALWAYS("class", STRING),
                                                               ALWAYS("priority", INT64)};
static const struct spec_type linux_io_priority =
    TYPE("LinuxIOPriority", linux_io_priority_members);

static const struct spec_member cpu_affinity_members[] = {ONE("initial", STRING),
                                                          ONE("final", STRING)};
static const struct spec_type cpu_affinity = TYPE("CPUAffinity", cpu_affinity_members);

static const struct spec_member process_members[] = {
    {"terminal", SPEC_ONE, SPEC_BOOL, NULL, SPEC_LEFT_OUT, 0},
    {"consoleSize", SPEC_ONE, SPEC_STRUCT, &box, SPEC_LEFT_OUT, SPEC_POINTER},
    ALWAYS_OF("user", user),
    ARRAY("args", STRING),
    ONE("commandLine", STRING),
    {"env", SPEC_ARRAY, SPEC_STRING, NULL, SPEC_ENV, 0},
    ALWAYS("cwd", STRING),
    PTR_OF("capabilities", linux_capabilities),
    ARRAY_OF("rlimits", posix_rlimit),
    ONE("noNewPrivileges", BOOL),
    ONE("apparmorProfile", STRING),
    PTR("oomScoreAdj", INT64),
    PTR_OF("scheduler", scheduler),
    ONE("selinuxLabel", STRING),
    PTR_OF("ioPriority", linux_io_priority),
    PTR_OF("execCPUAffinity", cpu_affinity)};
static const struct spec_type process = TYPE("Process", process_members);

static const struct spec_member root_members[] = {
    {"path", SPEC_ONE, SPEC_STRING, NULL, SPEC_ROOT_PATH, SPEC_ALWAYS}, ONE("readonly", BOOL)};
static const struct spec_type root = TYPE("Root", root_members);

static const struct spec_member linux_id_mapping_members[] = {
    ALWAYS("containerID", UINT32), ALWAYS("hostID", UINT32), ALWAYS("size", UINT32)};
static const struct spec_type linux_id_mapping = TYPE("LinuxIDMapping", linux_id_mapping_members);

static const struct spec_member mount_members[] = {
    ALWAYS("destination", STRING),
    ONE("type", STRING),
    {"source", SPEC_ONE, SPEC_STRING, NULL, SPEC_MOUNT_SOURCE, 0},
    ARRAY("options", STRING),
    ARRAY_OF("uidMappings", linux_id_mapping),
    ARRAY_OF("gidMappings", linux_id_mapping)};
static const struct spec_type mount = TYPE("Mount", mount_members);

static const struct spec_member hook_members[] = {ALWAYS("path", STRING), ARRAY("args", STRING),
                                                  ARRAY("env", STRING), PTR("timeout", INT64)};
static const struct spec_type hook = TYPE("Hook", hook_members);

static const struct spec_member hooks_members[] = {
    ARRAY_OF("prestart", hook),        ARRAY_OF("createRuntime", hook),
    ARRAY_OF("createContainer", hook), ARRAY_OF("startContainer", hook),
    ARRAY_OF("poststart", hook),       ARRAY_OF("poststop", hook)};
static const struct spec_type hooks = TYPE("Hooks", hooks_members);

static const struct spec_member linux_device_cgroup_members[] = {
    ALWAYS("allow", BOOL), ONE("type", STRING), PTR("major", INT64), PTR("minor", INT64),
    ONE("access", STRING)};
static const struct spec_type linux_device_cgroup =
    TYPE("LinuxDeviceCgroup", linux_device_cgroup_members);

static const struct spec_member linux_memory_members[] = {
    PTR("limit", INT64),           PTR("reservation", INT64), PTR("swap", INT64),
    PTR("kernel", INT64),          PTR("kernelTCP", INT64),   PTR("swappiness", UINT64),
    PTR("disableOOMKiller", BOOL), PTR("useHierarchy", BOOL), PTR("checkBeforeUpdate", BOOL)};
static const struct spec_type linux_memory = TYPE("LinuxMemory", linux_memory_members);

static const struct spec_member linux_cpu_members[] = {
    PTR("shares", UINT64), PTR("quota", INT64),           PTR("burst", UINT64),
    PTR("period", UINT64), PTR("realtimeRuntime", INT64), PTR("realtimePeriod", UINT64),
    ONE("cpus", STRING),   ONE("mems", STRING),           PTR("idle", INT64)};
static const struct spec_type linux_cpu = TYPE("LinuxCPU", linux_cpu_members);

static const struct spec_member linux_pids_members[] = {PTR("limit", INT64)};
static const struct spec_type linux_pids = TYPE("LinuxPids", linux_pids_members);

static const struct spec_member linux_weight_device_members[] = {
    ALWAYS("major", INT64), ALWAYS("minor", INT64), PTR("weight", UINT16),
    PTR("leafWeight", UINT16)};
static const struct spec_type linux_weight_device =
    TYPE("LinuxWeightDevice", linux_weight_device_members);

static const struct spec_member linux_throttle_device_members[] = {
    ALWAYS("major", INT64), ALWAYS("minor", INT64), ALWAYS("rate", UINT64)};
static const struct spec_type linux_throttle_device =
    TYPE("LinuxThrottleDevice", linux_throttle_device_members);

static const struct spec_member linux_block_io_members[] = {
    PTR("weight", UINT16),
    PTR("leafWeight", UINT16),
    ARRAY_OF("weightDevice", linux_weight_device),
    ARRAY_OF("throttleReadBpsDevice", linux_throttle_device),
    ARRAY_OF("throttleWriteBpsDevice", linux_throttle_device),
    ARRAY_OF("throttleReadIOPSDevice", linux_throttle_device),
    ARRAY_OF("throttleWriteIOPSDevice", linux_throttle_device)};
static const struct spec_type linux_block_io = TYPE("LinuxBlockIO", linux_block_io_members);

static const struct spec_member linux_hugepage_limit_members[] = {ALWAYS("pageSize", STRING),
                                                                  ALWAYS("limit", UINT64)};
static const struct spec_type linux_hugepage_limit =
    TYPE("LinuxHugepageLimit", linux_hugepage_limit_members);

static const struct spec_member linux_interface_priority_members[] = {ALWAYS("name", STRING),
                                                                      ALWAYS("priority", UINT32)};
static const struct spec_type linux_interface_priority =
    TYPE("LinuxInterfacePriority", linux_interface_priority_members);

static const struct spec_member linux_network_members[] = {
    PTR("classID", UINT32), ARRAY_OF("priorities", linux_interface_priority)};
static const struct spec_type linux_network = TYPE("LinuxNetwork", linux_network_members);

static const struct spec_member linux_rdma_members[] = {PTR("hcaHandles", UINT32),
                                                        PTR("hcaObjects", UINT32)};
static const struct spec_type linux_rdma = TYPE("LinuxRdma", linux_rdma_members);

static const struct spec_member linux_resources_members[] = {
    ARRAY_OF("devices", linux_device_cgroup),
    PTR_OF("memory", linux_memory),
    PTR_OF("cpu", linux_cpu),
    PTR_OF("pids", linux_pids),
    PTR_OF("blockIO", linux_block_io),
    ARRAY_OF("hugepageLimits", linux_hugepage_limit),
    PTR_OF("network", linux_network),
    MAP_OF("rdma", linux_rdma),
    MAP("unified", STRING)};
static const struct spec_type linux_resources = TYPE("LinuxResources", linux_resources_members);

static const struct spec_member linux_namespace_members[] = {ALWAYS("type", STRING),
                                                             ONE("path", STRING)};
static const struct spec_type linux_namespace = TYPE("LinuxNamespace", linux_namespace_members);

static const struct spec_member linux_device_members[] = {
    ALWAYS("path", STRING),  ALWAYS("type", STRING), ALWAYS("major", INT64), ALWAYS("minor", INT64),
    PTR("fileMode", UINT32), PTR("uid", UINT32),     PTR("gid", UINT32)};
static const struct spec_type linux_device = TYPE("LinuxDevice", linux_device_members);

static const struct spec_member linux_net_device_members[] = {ONE("name", STRING)};
static const struct spec_type linux_net_device = TYPE("LinuxNetDevice", linux_net_device_members);

static const struct spec_member linux_seccomp_arg_members[] = {
    ALWAYS("index", UINT64), ALWAYS("value", UINT64), ONE("valueTwo", UINT64),
    ALWAYS("op", STRING)};
static const struct spec_type linux_seccomp_arg =
    TYPE("LinuxSeccompArg", linux_seccomp_arg_members);

static const struct spec_member linux_syscall_members[] = {
    ALWAYS_ARRAY("names", STRING), ALWAYS("action", STRING), PTR("errnoRet", UINT64),
    ARRAY_OF("args", linux_seccomp_arg)};
static const struct spec_type linux_syscall = TYPE("LinuxSyscall", linux_syscall_members);

static const struct spec_member linux_seccomp_members[] = {
    ALWAYS("defaultAction", STRING),    PTR("defaultErrnoRet", UINT64),
    ARRAY("architectures", STRING),     ARRAY("flags", STRING),
    ONE("listenerPath", STRING),        ONE("listenerMetadata", STRING),
    ARRAY_OF("syscalls", linux_syscall)};
static const struct spec_type linux_seccomp = TYPE("LinuxSeccomp", linux_seccomp_members);

static const struct spec_member linux_intel_rdt_members[] = {
    ONE("closID", STRING), ARRAY("schemata", STRING), ONE("l3CacheSchema", STRING),
    ONE("memBwSchema", STRING), ONE("enableMonitoring", BOOL)};
static const struct spec_type linux_intel_rdt = TYPE("LinuxIntelRdt", linux_intel_rdt_members);

static const struct spec_member linux_memory_policy_members[] = {
    ALWAYS("mode", STRING), ALWAYS("nodes", STRING), ARRAY("flags", STRING)};
static const struct spec_type linux_memory_policy =
    TYPE("LinuxMemoryPolicy", linux_memory_policy_members);

static const struct spec_member linux_personality_members[] = {ALWAYS("domain", STRING),
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
    PTR_OF("resources", linux_resources),
    {"cgroupsPath", SPEC_ONE, SPEC_STRING, NULL, SPEC_CGROUPS_PATH, 0},
    ARRAY_OF("namespaces", linux_namespace),
    ARRAY_OF("devices", linux_device),
    MAP_OF("netDevices", linux_net_device),
    PTR_OF("seccomp", linux_seccomp),
    ONE("rootfsPropagation", STRING),
    ARRAY("maskedPaths", STRING),
    ARRAY("readonlyPaths", STRING),
    ONE("mountLabel", STRING),
    PTR_OF("intelRdt", linux_intel_rdt),
    PTR_OF("memoryPolicy", linux_memory_policy),
    PTR_OF("personality", linux_personality),
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
                                                     PTR_OF("cappedCPU", solaris_capped_cpu),
                                                     PTR_OF("cappedMemory", solaris_capped_memory)};
static const struct spec_type solaris = TYPE("Solaris", solaris_members);

static const struct spec_member windows_device_members[] = {ALWAYS("id", STRING),
                                                            ALWAYS("idType", STRING)};
static const struct spec_type windows_device = TYPE("WindowsDevice", windows_device_members);

static const struct spec_member windows_memory_resources_members[] = {PTR("limit", UINT64)};
static const struct spec_type windows_memory_resources =
    TYPE("WindowsMemoryResources", windows_memory_resources_members);

static const struct spec_member windows_cpu_group_affinity_members[] = {ONE("mask", UINT64),
                                                                        ONE("group", UINT32)};
static const struct spec_type windows_cpu_group_affinity =
    TYPE("WindowsCPUGroupAffinity", windows_cpu_group_affinity_members);

static const struct spec_member windows_cpu_resources_members[] = {
    PTR("count", UINT64), PTR("shares", UINT16), PTR("maximum", UINT16),
    ARRAY_OF("affinity", windows_cpu_group_affinity)};
static const struct spec_type windows_cpu_resources =
    TYPE("WindowsCPUResources", windows_cpu_resources_members);

static const struct spec_member windows_storage_resources_members[] = {
    PTR("iops", UINT64), PTR("bps", UINT64), PTR("sandboxSize", UINT64)};
static const struct spec_type windows_storage_resources =
    TYPE("WindowsStorageResources", windows_storage_resources_members);

static const struct spec_member windows_resources_members[] = {
    PTR_OF("memory", windows_memory_resources), PTR_OF("cpu", windows_cpu_resources),
    PTR_OF("storage", windows_storage_resources)};
static const struct spec_type windows_resources =
    TYPE("WindowsResources", windows_resources_members);

static const struct spec_member windows_hyperv_members[] = {ONE("utilityVMPath", STRING)};
static const struct spec_type windows_hyperv = TYPE("WindowsHyperV", windows_hyperv_members);

static const struct spec_member windows_network_members[] = {
    ARRAY("endpointList", STRING), ONE("allowUnqualifiedDNSQuery", BOOL),
    ARRAY("DNSSearchList", STRING), ONE("networkSharedContainerName", STRING),
    ONE("networkNamespace", STRING)};
static const struct spec_type windows_network = TYPE("WindowsNetwork", windows_network_members);

static const struct spec_member windows_members[] = {ALWAYS_ARRAY("layerFolders", STRING),
                                                     ARRAY_OF("devices", windows_device),
                                                     PTR_OF("resources", windows_resources),
                                                     ONE("credentialSpec", ANY),
                                                     ONE("servicing", BOOL),
                                                     ONE("ignoreFlushesDuringBoot", BOOL),
                                                     PTR_OF("hyperv", windows_hyperv),
                                                     PTR_OF("network", windows_network)};
static const struct spec_type windows = TYPE("Windows", windows_members);

static const struct spec_member vm_hypervisor_members[] = {ALWAYS("path", STRING),
                                                           ARRAY("parameters", STRING)};
static const struct spec_type vm_hypervisor = TYPE("VMHypervisor", vm_hypervisor_members);

static const struct spec_member vm_kernel_members[] = {
    ALWAYS("path", STRING), ARRAY("parameters", STRING), ONE("initrd", STRING)};
static const struct spec_type vm_kernel = TYPE("VMKernel", vm_kernel_members);

static const struct spec_member vm_image_members[] = {ALWAYS("path", STRING),
                                                      ALWAYS("format", STRING)};
static const struct spec_type vm_image = TYPE("VMImage", vm_image_members);

static const struct spec_member io_mems_members[] = {
    PTR("firstGFN", UINT64), ALWAYS_PTR("firstMFN", UINT64), ALWAYS_PTR("nrMFNs", UINT64)};
static const struct spec_type io_mems = TYPE("IOMems", io_mems_members);

static const struct spec_member hw_config_members[] = {
    ONE("deviceTree", STRING), PTR("vcpus", UINT32),        PTR("memory", UINT64),
    ARRAY("dtdevs", STRING),   ARRAY_OF("iomems", io_mems), ARRAY("irqs", UINT32)};
static const struct spec_type hw_config = TYPE("HWConfig", hw_config_members);

static const struct spec_member vm_members[] = {
    ALWAYS_OF("hypervisor", vm_hypervisor), ALWAYS_OF("kernel", vm_kernel),
    ALWAYS_OF("image", vm_image), PTR_OF("hwconfig", hw_config)};
static const struct spec_type vm = TYPE("VM", vm_members);

static const struct spec_member zos_namespace_members[] = {ALWAYS("type", STRING),
                                                           ONE("path", STRING)};
static const struct spec_type zos_namespace = TYPE("ZOSNamespace", zos_namespace_members);

static const struct spec_member zos_members[] = {ARRAY_OF("namespaces", zos_namespace)};
static const struct spec_type zos = TYPE("ZOS", zos_members);

static const struct spec_member freebsd_device_members[] = {ALWAYS("path", STRING),
                                                            PTR("mode", UINT32)};
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
                                                          PTR("enforceStatfs", INT64),
                                                          PTR_OF("allow", freebsd_jail_allow)};
static const struct spec_type freebsd_jail = TYPE("FreeBSDJail", freebsd_jail_members);

static const struct spec_member freebsd_members[] = {ARRAY_OF("devices", freebsd_device),
                                                     PTR_OF("jail", freebsd_jail)};
static const struct spec_type freebsd = TYPE("FreeBSD", freebsd_members);

static const struct spec_member spec_members[] = {
    ALWAYS("ociVersion", STRING), PTR_OF("process", process),
    PTR_OF("root", root),         ONE("hostname", STRING),
    ONE("domainname", STRING),    ARRAY_OF("mounts", mount),
    PTR_OF("hooks", hooks),       {"annotations", SPEC_MAP, SPEC_STRING, NULL, SPEC_ANNOTATIONS, 0},
    PTR_OF("linux", linux_part),  PTR_OF("solaris", solaris),
    PTR_OF("windows", windows),   PTR_OF("vm", vm),
    PTR_OF("zos", zos),           PTR_OF("freebsd", freebsd)};
const struct spec_type measure_spec = TYPE("Spec", spec_members);
