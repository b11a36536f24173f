import Wire

/// The package managers that Linux guests have. Each is asked without questions, without a shell,
/// and with `--` before whatever came from a host.
enum PackageManager: String, Sendable, CaseIterable {
    case apt, dnf, zypper, pacman

    /// The programs that must be there.
    private var programs: [String] {
        switch self {
        case .apt: ["apt-get", "dpkg-query"]
        case .dnf: ["dnf", "rpm"]
        case .zypper: ["zypper", "rpm"]
        case .pacman: ["pacman"]
        }
    }

    static func detect(_ machine: ActionMachine) -> PackageManager? {
        allCases.first { manager in manager.programs.allSatisfy { machine.find($0) != nil } }
    }

    // MARK: What is asked of each: the program, then its arguments

    /// A table of what is installed, by tabs: name, version, architecture, KiB, publisher, summary.
    var listing: [String] {
        switch self {
        case .apt: Self.dpkgListing
        case .dnf, .zypper: Self.rpmListing
        case .pacman: ["pacman", "--query"]
        }
    }

    /// The state stands first: removed packages leave their configuration and are listed too.
    static let dpkgListing = [
        "dpkg-query", "--show",
        "--showformat=${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\t"
            + "${Installed-Size}\\t${Maintainer}\\t${binary:Summary}\\n",
    ]

    static let rpmListing = [
        "rpm", "--query", "--all",
        "--queryformat=ii\\t%{NAME}\\t%{EVR}\\t%{ARCH}\\t%{SIZE}\\t%{VENDOR}\\t%{SUMMARY}\\n",
    ]

    func search(_ query: String) -> [String] {
        switch self {
        case .apt: ["apt-cache", "search", "--", query]
        case .dnf: ["dnf", "--quiet", "--cacheonly", "search", "--", query]
        case .zypper: ["zypper", "--non-interactive", "--terse", "search", "--", query]
        case .pacman: ["pacman", "--sync", "--search", "--", query]
        }
    }

    func install(_ name: String) -> [String] {
        switch self {
        case .apt: Self.aptChange + ["install", "--", Self.exactly(name)]
        case .dnf: ["dnf", "--assumeyes", "--quiet", "install", "--", name]
        case .zypper: ["zypper", "--non-interactive", "install", "--name", "--", name]
        case .pacman: ["pacman", "--sync", "--noconfirm", "--needed", "--", name]
        }
    }

    func remove(_ name: String) -> [String] {
        switch self {
        case .apt: Self.aptChange + ["remove", "--", Self.exactly(name)]
        case .dnf: ["dnf", "--assumeyes", "--quiet", "remove", "--", name]
        case .zypper: ["zypper", "--non-interactive", "remove", "--name", "--", name]
        case .pacman: ["pacman", "--remove", "--noconfirm", "--", name]
        }
    }

    /// Brings one package that is installed to its newest version.
    func update(_ name: String) -> [String] {
        switch self {
        case .apt: Self.aptChange + ["--only-upgrade", "install", "--", Self.exactly(name)]
        case .dnf: ["dnf", "--assumeyes", "--quiet", "upgrade", "--", name]
        case .zypper: ["zypper", "--non-interactive", "update", "--", name]
        case .pacman: ["pacman", "--sync", "--noconfirm", "--needed", "--", name]
        }
    }

    /// What would be brought up to date, by the lists that are here: nothing is fetched or locked.
    var updates: [String] {
        switch self {
        case .apt:
            [
                "apt-get", "--simulate", "--quiet=2", "--option=Debug::NoLocking=true",
                "dist-upgrade",
            ]
        case .dnf: ["dnf", "--quiet", "--cacheonly", "check-update"]
        case .zypper: ["zypper", "--non-interactive", "--terse", "--no-refresh", "list-updates"]
        case .pacman: ["pacman", "--query", "--upgrades"]
        }
    }

    /// Which of them mend security, where the manager knows that by a question of its own.
    var securityUpdates: [String]? {
        switch self {
        case .dnf: ["dnf", "--quiet", "--cacheonly", "updateinfo", "list", "--security"]
        case .zypper:
            [
                "zypper", "--non-interactive", "--terse", "--no-refresh", "list-patches",
                "--category", "security",
            ]
        case .apt, .pacman: nil
        }
    }

    var cleaning: [String] {
        switch self {
        case .apt: ["apt-get", "--quiet=2", "clean"]
        case .dnf: ["dnf", "--quiet", "clean", "packages"]
        case .zypper: ["zypper", "--non-interactive", "clean"]
        case .pacman: ["pacman", "--sync", "--clean", "--noconfirm"]
        }
    }

    /// Exit codes of ``updates`` that are no failure: dnf says 100 when there are some, pacman 1
    /// when there are none.
    var updatesCodes: Set<Int32> {
        switch self {
        case .dnf: [0, 100]
        case .pacman: [0, 1]
        case .apt, .zypper: [0]
        }
    }

    var environment: [String: String] {
        self == .apt
            ? ["DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none"] : [:]
    }

    /// Configuration files that were changed stay; another apt at work is waited for.
    private static let aptChange = [
        "apt-get", "--yes", "--quiet=2", "--option=DPkg::Lock::Timeout=120",
        "--option=Dpkg::Options::=--force-confdef", "--option=Dpkg::Options::=--force-confold",
    ]

    /// apt-get takes a name with `.` or `+` that is no package for a regular expression, so that
    /// `remove python3+` takes away everything that begins with python, and a `+` at the end of one
    /// for "install". Such a name is given as a pattern that means itself alone. Source:
    /// apt-patterns(7).
    static func exactly(_ name: String) -> String {
        guard isPattern(name) else { return name }
        // Without an architecture the pattern would mean the package of every one.
        let colon = name.firstIndex(of: ":")
        let architecture = colon.map { String(name[name.index(after: $0)...]) } ?? ownArchitecture
        return
            "?and(?exact-name(\(name[..<(colon ?? name.endIndex)])),?architecture(\(architecture)))"
    }

    /// A pattern that matches nothing is no failure to apt-get: whether the package is there has to
    /// be asked afterwards.
    static func isPattern(_ name: String) -> Bool { name.contains { $0 == "." || $0 == "+" } }

    /// Debian's name of what this program was built for, which is what its packages are for too.
    private static var ownArchitecture: String {
        #if arch(x86_64)
            "amd64"
        #elseif arch(arm64)
            "arm64"
        #elseif arch(arm)
            "armhf"
        #elseif arch(i386)
            "i386"
        #else
            "native"
        #endif
    }
}
