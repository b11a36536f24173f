/// Which actions a policy may list, and which of them only look: as the catalog has them.
public enum ActionNames {
    /// They change nothing: allowed without a policy, an epoch or a signature.
    public static let readOnly = Set(
        ActionCatalog.actions.filter { $0.isReadOnly && $0.isSupported }.map(\.name))

    /// Every name that a policy may list. Files have rules of their own.
    public static let all = Set(ActionCatalog.actions.filter(\.isSupported).map(\.name))
        .subtracting(["FileRead", "FileWrite"])

    /// They change the machine, and need a rule.
    public static let changing = all.subtracting(readOnly)

    /// Whether the action only looks; asking a service for its status does.
    public static func isReadOnly(_ name: String, operation: String?) -> Bool {
        readOnly.contains(name) || (name == "ServiceControl" && operation == "status")
    }
}
