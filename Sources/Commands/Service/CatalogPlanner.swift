public import Wire

/// The planner of the real actions.
public final class CatalogPlanner: ActionPlanner {
    private let catalog: ActionCatalog

    public init(catalog: ActionCatalog = ActionCatalog()) {
        self.catalog = catalog
    }

    public func isReadOnly(_ kind: Command.Kind, _ message: JSONValue) -> Bool {
        guard let request = try? Self.request(kind, message) else { return false }
        return ActionCatalog.isReadOnly(request)
    }

    public func plan(
        _ kind: Command.Kind, _ message: JSONValue
    ) throws(ActionFailure) -> ActionPlan {
        let request = try Self.request(kind, message)
        return try catalog.plan(request.action, parameters: request.parameters)
    }

    static func request(
        _ kind: Command.Kind, _ message: JSONValue
    ) throws(ActionFailure) -> ActionRequest {
        kind == .safe
            ? try ActionRequest(safeCommand: message) : try ActionRequest(ownCommand: message)
    }
}
