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

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude,
        swiftSettings: testing)
}

let package = Package(
    name: "vireo",
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    ],
    targets: [
        .target(name: "CLinux", path: "CSupport/CLinux"),
        .target(name: "CAllocationCounter", path: "CSupport/CAllocationCounter"),
        module("Kernel", ["CLinux"]),
        module("Slabs", ["Kernel", "CLinux"]),
        .systemLibrary(
            name: "CLiburing", path: "CSupport/CLiburing", pkgConfig: "liburing",
            providers: [.apt(["liburing-dev"])]),
        module(
            "IOEngine",
            [
                "Slabs", "Kernel", "CLinux", "CLiburing",
                .product(name: "BasicContainers", package: "swift-collections"),
            ]),
        module("Framing", ["CLinux"]),
        module("Wire", []),
        module("Probes", ["Kernel", "Wire", "CLinux"]),
        tests("SlabsTests", ["Slabs", "IOEngine"], exclude: ["Negative"]),
        tests("IOEngineTests", ["IOEngine", "Slabs", "Kernel", "CLinux"]),
        tests("FramingTests", ["Framing", "CAllocationCounter"]),
    ],
    swiftLanguageModes: [.v6]
)
