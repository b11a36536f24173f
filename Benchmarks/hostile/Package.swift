// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "hostile",
    dependencies: [.package(name: "vireo", path: "../..")],
    targets: [
        .executableTarget(
            name: "hostile",
            dependencies: [
                .product(name: "VireoEngine", package: "vireo"),
                .product(name: "VireoSession", package: "vireo"),
            ],
            swiftSettings: [.enableExperimentalFeature("Lifetimes")])
    ],
    swiftLanguageModes: [.v6]
)
