/// Every bound of this module, each with its reason. What is cut off stands in the sample's errors.
enum ProbeLimits {
    /// The fixed files of /proc: 8,192 CPUs make 650 KB of /proc/stat.
    static let fixedFileBytesMax = 2 << 20
    /// One row of /proc/net/tcp is 150 bytes: 100,000 sockets.
    static let socketTableBytesMax = 16 << 20
    /// The kernel's own largest NR_CPUS.
    static let coresMax = 8192
    /// Each costs a statvfs(2); container hosts mount one file system many times, but few have this
    /// many file systems.
    static let mountsMax = 256
    /// Before those of one device are joined. Each line of the table is compared with all of them.
    static let mountsConsideredMax = 1024
    static let disksMax = 256
    /// Partitions and loop devices among them.
    static let diskLinesMax = 4096
    static let interfacesMax = 256
    /// Interfaces whose state file stays open. The unit runs with LimitNOFILE=256.
    static let interfacesKeptOpenMax = 32
    /// Of one interface.
    static let addressesMax = 64
    static let portsMax = 1024
    /// Descriptors looked at in one search for the holders of sockets: 1 us each.
    static let descriptorsScannedMax = 65_536
    /// More than kernel.pid_max allows on a machine of less than 32 CPUs.
    static let processesScannedMax = 65_536
    /// A host shows the start of a command line; 20 of them have to fit in a sample of 16 KB.
    static let commandLineBytesMax = 512
    /// Rows of errors of one probe in one sample; how many more there are is one row more.
    static let errorsOfProbeMax = 8
    /// Ticks of a CPU or a process: eight of them add up without overflow, and it is 3 x 10^8
    /// years.
    static let ticksMax: UInt64 = 1 << 60
    /// Seconds since 1970 or since the boot that turn into milliseconds without overflow.
    static let secondsMax: UInt64 = 1 << 50

    /// Seconds for which addresses are taken to stay as they are.
    static let addressesSeconds = 10.0
    /// Seconds for which the tables of sockets are taken to stay as they are while the kernel's
    /// counts do.
    static let socketTablesSeconds = 60.0
    /// Seconds for which os-release and the agent's own cgroup are.
    static let systemSeconds = 60.0
    /// Seconds for which a process keeps its command line: exec(3) may change it.
    static let processDetailsSeconds = 10.0
}
