import Foundation
import Glibc
import Testing

@testable import Commands

/// A policy from its text.
func policy(_ text: String) throws -> Policy {
    try Policy(parsing: Array(text.utf8), file: "p.yaml")
}

/// What is said against a policy; empty when nothing is.
func complaint(_ text: String) -> String {
    do {
        _ = try policy(text)
        return ""
    } catch {
        return "\(error)"
    }
}

extension Decision {
    var allowance: Allowance? {
        if case .allowed(let allowance) = self { return allowance }
        return nil
    }

    var refusal: Refusal? {
        if case .refused(let refusal) = self { return refusal }
        return nil
    }
}

extension Policy {
    func decide(
        _ operation: PolicyRequest.Operation, _ authority: PolicyRequest.Authority = .epoch,
        _ change: (inout PolicyRequest) -> Void = { _ in }
    ) -> Decision {
        var request = PolicyRequest(operation, authority: authority)
        change(&request)
        return decide(request)
    }
}

/// A folder in the right hands, which goes with the test: below the home directory, for /tmp is
/// everybody's.
final class TrustedFolder {
    let path: String

    init() throws {
        let home = FileManager.default.homeDirectoryForCurrentUser.path
        path = "\(home)/.vireo-tests-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> String {
        let file = "\(path)/\(name)"
        try text.write(toFile: file, atomically: false, encoding: .utf8)
        chmod(file, mode)
        return file
    }

    @discardableResult
    func makeFolder(_ name: String, mode: mode_t = 0o755) throws -> String {
        let folder = "\(path)/\(name)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        chmod(folder, mode)
        return folder
    }
}
