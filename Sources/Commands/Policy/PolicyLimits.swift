import YAML

/// What a policy may hold and what a request may ask for at most, each with its reason.
public enum PolicyLimits {
    /// Bytes of a policy's file.
    public static let fileBytesMax = YAMLLimits.fileBytesMax
    /// Rules for named commands: each is looked at for each request.
    public static let commandsMax = 1024
    /// Each key is tried on an envelope that names none.
    public static let keysMax = 32
    /// Arguments of one command; more are a script's work.
    public static let argumentsMax = 256
    /// Bytes of one argument unless the rule says otherwise.
    public static let argumentBytesDefault = 256
    public static let argumentBytesMax = 4096
    /// Bytes of a raw command or script: below the kernel's 128 KiB for one argument.
    public static let scriptBytesMax = 98_304
    /// Bytes of a pattern as it is written.
    public static let patternBytesMax = 1024
    /// What a pattern comes to, a repetition counting as often as it may repeat: matching costs at
    /// most this many steps a character.
    public static let patternStatesMax = 512
    /// Environment variables of a rule or a request, beside PATH, LANG, HOME and TERM.
    public static let environmentMax = 28
    public static let environmentValueBytesMax = 4096
    /// NAME_MAX of Linux's account tools.
    public static let userNameBytesMax = 32
    /// Bytes of a path. Source: PATH_MAX.
    public static let pathBytesMax = 4096
}
