import Foundation

/// The programs under test, where the test bundle was built.
enum Products {
    static let folder: String = {
        guard let bundle = CommandLine.arguments.first(where: { $0.hasSuffix(".xctest") }) else {
            preconditionFailure("run by swift test, or as the .xctest itself")
        }
        return URL(filePath: bundle).deletingLastPathComponent().path
    }()

    static let vireod = folder + "/vireod"
    static let vireo = folder + "/vireo"

    /// `Tests/Fixtures`.
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures").path
}
