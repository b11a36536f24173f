public import Wire

/// A planner that knows no action: for those who embed a ``CommandService`` for programs alone.
public final class NoActions: ActionPlanner {
    public init() {}

    public func isReadOnly(_ kind: Command.Kind, _ message: JSONValue) -> Bool { kind == .safe }

    public func plan(
        _ kind: Command.Kind, _ message: JSONValue
    ) throws(ActionFailure) -> ActionPlan {
        throw ActionFailure(
            code: .unsupportedPlatform, reason: "this executor carries out no named actions")
    }
}
