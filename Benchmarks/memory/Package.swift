// swift-tools-version: 6.1

import PackageDescription

// A package of its own, so that nobody who uses Vireo fetches the harness.
let package = Package(
    name: "memory-benchmarks",
    dependencies: [
        .package(name: "vireo", path: "../.."),
        .package(url: "https://github.com/ordo-one/benchmark", exact: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "Memory",
            dependencies: [
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "VireoEngine", package: "vireo"),
                .product(name: "VireoSession", package: "vireo"),
            ],
            path: "Benchmarks/Memory",
            swiftSettings: [.enableExperimentalFeature("Lifetimes")],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")])
    ])
