// swift-tools-version: 6.2

import PackageDescription

/// Every target of ours: Swift 6, no warning tolerated, unsafe code marked where it stands.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    // Functions that return spans say what the span borrows from.
    .enableExperimentalFeature("Lifetimes"),
    // C functions with annotated pointers take spans.
    .enableExperimentalFeature("SafeInteropWrappers"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // An import is internal unless it says otherwise, so no C type can show in a public signature.
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Tests handle pointers freely: that they are right is what they show, not what they must prove.
let testing: [SwiftSetting] = [
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
]

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(
    name: "ArgumentParser", package: "swift-argument-parser")

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["TestSupport"], path: "Tests/\(name)",
        exclude: exclude, swiftSettings: testing)
}

let package = Package(
    name: "vireo",
    products: [
        .executable(name: "vireod", targets: ["vireod"]),
        .executable(name: "vireo", targets: ["vireo"]),
        .executable(name: "vireo-exec", targets: ["vireo-exec"]),
        .executable(name: "vireo-freeze", targets: ["vireo-freeze"]),
        // For those who embed the parts: the engine with its memory and its frames, and the port.
        .library(name: "VireoEngine", targets: ["IOEngine", "Slabs", "Framing", "Kernel"]),
        .library(name: "VireoPort", targets: ["Port"]),
        .library(name: "VireoSession", targets: ["Session", "Wire", "Spool"]),
        // For those who check settings and policies before they reach a fleet.
        .library(name: "VireoConfiguration", targets: ["Configuration", "Commands", "YAML"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .target(name: "CLinux", path: "CSupport/CLinux"),
        .target(name: "CAllocationCounter", path: "CSupport/CAllocationCounter"),
        module("Kernel", ["CLinux"]),
        module("Slabs", ["Kernel", "CLinux"]),
        .systemLibrary(
            name: "CLiburing", path: "CSupport/CLiburing", pkgConfig: "liburing",
            providers: [.apt(["liburing-dev"])]),
        module("IOEngine", ["Slabs", "Kernel", "CLinux", "CLiburing"]),
        module("Framing", ["CLinux"]),
        module("Port", ["IOEngine", "Slabs", "Framing", "Session", "Kernel", "CLinux"]),
        .systemLibrary(
            name: "CSystemd", path: "CSupport/CSystemd", pkgConfig: "libsystemd",
            providers: [.apt(["libsystemd-dev"])]),
        module("Systemd", ["CSystemd", "CLinux", "Kernel", log]),
        module("Session", [.product(name: "DequeModule", package: "swift-collections")]),
        .target(
            name: "CSimdjson", path: "CSupport/CSimdjson",
            cxxSettings: [.define("SIMDJSON_THREADS_ENABLED", to: "1")],
            linkerSettings: [.linkedLibrary("simdjson")]),
        .target(
            name: "Wire", dependencies: ["CSimdjson"], exclude: ["Schema"], swiftSettings: strict),
        module("Spool", ["Session", "Kernel"]),
        module("Probes", ["Kernel", "Wire", "CLinux"]),
        .systemLibrary(
            name: "CYaml", path: "CSupport/CYaml", pkgConfig: "yaml-0.1",
            providers: [.apt(["libyaml-dev"])]),
        module("YAML", ["CYaml"]),
        .systemLibrary(
            name: "CCrypto", path: "CSupport/CCrypto", pkgConfig: "libcrypto",
            providers: [.apt(["libssl-dev"])]),
        module(
            "Commands",
            [
                "CCrypto", "Port", "Probes", "Systemd", "Wire", "YAML", "IOEngine", "Slabs",
                "Kernel", "CLinux", log,
            ]),
        module("Freezing", ["Kernel"]),
        .executableTarget(
            name: "vireo-freeze", dependencies: ["Freezing"], swiftSettings: strict),
        module(
            "Agent",
            [
                "Probes", "Port", "Session", "Spool", "Systemd", "Wire", "IOEngine", "Slabs",
                "Kernel", "CLinux", log,
                .product(name: "DequeModule", package: "swift-collections"),
            ]),
        module("Configuration", ["Agent", "IOEngine", "Kernel", "Port", "Probes", "YAML", log]),
        module("Terminal", ["Kernel", "Wire"]),
        module("Bench", ["Port", "Framing", "IOEngine", "Slabs", "Kernel", "CLinux"]),
        module(
            "Host",
            [
                "Port", "Session", "Framing", "Wire", "IOEngine", "Slabs", "Kernel", "Terminal",
                "CLinux",
            ]),
        module("MockHost", ["Framing", "Kernel", "Wire"]),
        module("Doctor", ["Port", "Wire", "IOEngine", "Slabs", "Kernel"]),
        .executableTarget(
            name: "vireo",
            dependencies: [
                "Bench", "Commands", "Configuration", "Doctor", "Host", "MockHost", "Agent", "Port",
                "Probes", "Terminal", "Wire", "IOEngine", "Kernel", "Systemd", "YAML",
                arguments,
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "vireod",
            dependencies: [
                "Agent", "IOEngine", "Kernel", "Port", "Probes", "Systemd", log, arguments,
                "Configuration",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "vireo-exec",
            dependencies: ["Commands", "IOEngine", "Kernel", "Systemd", log, arguments],
            swiftSettings: strict),
        // Refuses nothing: for the tests of what runs commands, and no product.
        .executableTarget(
            name: "allow-all-executor",
            dependencies: ["Commands", "IOEngine", "Kernel", "Systemd", "Wire", log],
            path: "Tests/AllowAllExecutor", swiftSettings: testing),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: testing),
        tests(
            "CommandsTests",
            [
                "Agent", "Commands", "Freezing", "vireo-freeze", "IOEngine", "Kernel", "Port",
                "Probes", "Wire", "YAML", "CLinux", log,
            ]),
        .executableTarget(
            name: "misused-ring", dependencies: ["Slabs"], path: "Tests/MisusedRing",
            swiftSettings: testing),
        tests("SlabsTests", ["Slabs", "IOEngine", "misused-ring"], exclude: ["Negative"]),
        tests("IOEngineTests", ["IOEngine", "Slabs", "Kernel", "CLinux", "CLiburing"]),
        tests("TortureTests", ["vireo", "Kernel", "CLinux"]),
        tests(
            "PortTests", ["Port", "IOEngine", "Slabs", "Kernel", "CLinux", "CAllocationCounter"]),
        tests("ProbesTests", ["Probes", "Kernel", "Wire", "CAllocationCounter"]),
        tests(
            "WireTests", ["Wire", "Framing", "Session", "CAllocationCounter"],
            exclude: ["check_schema.py"]),
        tests("MockHostTests", ["MockHost"]),
        // The fuzzer's bodies on its kept corpus; the fuzzer itself is a package of its own.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "Commands", "Configuration", "Framing", "Session", "Wire", "YAML", "TestSupport",
            ],
            path: "Tests/Fuzz/Bodies", swiftSettings: testing),
        tests(
            "IntegrationTests", ["vireod", "vireo", "vireo-exec", "allow-all-executor", "CLinux"]),
        tests("TerminalTests", ["Terminal", "Wire"]),
        tests("BenchTests", ["Bench", "Port", "IOEngine", "Kernel", "CAllocationCounter"]),
        tests("TidyTests", []),
        // As a package of somebody else's would: without any setting of ours.
        .testTarget(
            name: "EmbeddingTests", dependencies: ["IOEngine", "Slabs", "Framing", "Kernel"]),
        tests("DoctorTests", ["Doctor", "Port", "Kernel", "Wire"]),
        tests("SystemdTests", ["Systemd", "Kernel", "CLinux", log]),
        tests("YAMLTests", ["YAML"]),
        tests(
            "ConfigurationTests", ["Configuration", "Agent", "Kernel", "Port", "Probes", "YAML"]),
        tests("SimulationTests", ["Session", "Framing", "Spool"]),
        tests("SpoolTests", ["Spool", "Session", "Kernel"]),
        tests("SessionTests", ["Session"]),
        tests("FramingTests", ["Framing", "CAllocationCounter"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
