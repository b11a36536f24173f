/// Which actions there are, and which of them only look.
///
/// Source: protocol, "Commands"; InfiniService's `SafeCommandType`.
public enum ActionCatalog {
    /// They change nothing: allowed without a policy, an epoch or a signature.
    public static let readOnly: Set<String> = [
        "ServiceList", "PackageList", "PackageSearch", "ProcessList", "ProcessTop", "SystemInfo",
        "OsInfo", "UserList",
        "GetUpdateHistory", "GetPendingUpdates", "CheckLinuxUpdates", "GetLinuxUpdateHistory",
        "GetPendingLinuxUpdates", "GetAvailableUpdates", "GetSecurityUpdates",
        "GetLinuxSecurityUpdates", "EstimateUpdateSize",
        "CheckLinuxSecurity", "GetLinuxSecurityStatus", "GetLinuxFirewallStatus",
        "CheckFirewallStatus", "CheckSecurityModules",
        "GetInstalledApplicationsWMI", "CheckApplicationUpdates", "GetApplicationDetails",
        "CheckSpecificAppUpdates",
        "CheckDiskSpace", "CheckResourceOptimization", "RunHealthCheck", "RunAllHealthChecks",
    ]

    /// They change the machine, and need a rule.
    public static let changing: Set<String> = [
        "ServiceControl", "PackageInstall", "PackageRemove", "PackageUpdate", "ProcessKill",
        "DiskCleanup",
        "Freeze", "Thaw", "Shutdown", "Reboot", "SyncTime",
    ]

    /// Every name that a policy may list.
    public static let all = readOnly.union(changing)

    /// Whether the action only looks; asking a service for its status does.
    public static func isReadOnly(_ name: String, operation: String?) -> Bool {
        readOnly.contains(name) || (name == "ServiceControl" && operation == "status")
    }
}
