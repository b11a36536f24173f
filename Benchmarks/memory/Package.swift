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
        // The counter of Vireo's own tests, which it gives to nobody else: a link to its sources.
        .target(name: "AllocationCount"),
        .executableTarget(
            name: "Memory",
            dependencies: [
                "AllocationCount",
                .product(name: "Benchmark", package: "benchmark"),
                .product(name: "VireoEngine", package: "vireo"),
                .product(name: "VireoSession", package: "vireo"),
            ],
            path: "Benchmarks/Memory",
            swiftSettings: [.enableExperimentalFeature("Lifetimes")],
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ])
