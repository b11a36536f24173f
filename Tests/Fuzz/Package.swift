// swift-tools-version: 6.2

import PackageDescription

// A package of its own: it is built with other flags than the rest, by ./run.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "vireo", path: "../..")],
    targets: [
        .target(
            name: "Bodies",
            dependencies: [
                .product(name: "VireoConfiguration", package: "vireo"),
                .product(name: "VireoEngine", package: "vireo"),
                .product(name: "VireoSession", package: "vireo"),
            ],
            path: "Bodies", exclude: ["ReplayTests.swift"],
            swiftSettings: [.enableExperimentalFeature("Lifetimes")]),
        .executableTarget(name: "fuzz", dependencies: ["Bodies"], path: "Driver"),
    ],
    swiftLanguageModes: [.v6]
)
