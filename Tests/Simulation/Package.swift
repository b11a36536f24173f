// swift-tools-version: 6.2

import PackageDescription

// The simulator alone, so that an optimised build of it takes a minute: `make simulate`. The ordinary
// tests run the same files.
let package = Package(
    name: "simulation",
    dependencies: [.package(name: "vireo", path: "../..")],
    targets: [
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                .product(name: "VireoEngine", package: "vireo"),
                .product(name: "VireoSession", package: "vireo"),
            ],
            path: "SimulationTests",
            swiftSettings: [.enableExperimentalFeature("Lifetimes")])
    ],
    swiftLanguageModes: [.v6]
)
