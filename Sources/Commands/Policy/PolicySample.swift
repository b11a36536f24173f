/// Policies to begin with, with comments that say what each key means. Each of them loads.
public enum PolicySample: String, CaseIterable, Sendable {
    /// Nothing may be asked of the guest but its metrics.
    case metricsOnly = "metrics-only"
    /// Actions that look, two named commands, and reading of logs.
    case safe
    /// Everything, for tests.
    case allowAll = "allow-all"

    public var text: String {
        switch self {
        case .metricsOnly: Self.metricsOnlyText
        case .safe: Self.safeText
        case .allowAll: Self.allowAllText
        }
    }

    private static let metricsOnlyText = """
        # Vireo's policy: metrics only. The host may ask for metrics and for nothing else.
        # Keep this file, and every directory above it, in root's hands and not writable by others.

        # No action may be asked for. Without this file those that only look may be.
        actions: []

        # Neither programs nor scripts that are not named here run.
        raw_commands: false
        pending_scripts: false

        """

    private static let safeText = """
        # Vireo's policy: what the host may ask of this guest. Whatever no rule allows is refused,
        # with REFUSED_BY_POLICY and the rule's name, and nothing is started.
        # Keep this file, and every directory above it, in root's hands and not writable by others.
        # Check it in the guest with: vireo config validate FILE. Then: systemctl reload-or-restart
        # vireo-exec. A bad one is not taken.

        # Which requests have to be signed: none, changes (all but those that only look), or all.
        require_signature: none

        # Actions by name, or by class: read_only (they only look), all.
        actions:
          - read_only
          # - name: ServiceControl
          #   operations: [restart, status]
          #   targets: ["nginx", "php*-fpm"]     # patterns, as below
          #   signed: true

        # What every rule begins with.
        limits:
          timeout: 30              # seconds, 0.1 to 86400; then all that it started is ended
          output_bytes: 524288     # of each of the two streams, 1024 to 524288
          input_bytes: 1048576     # of standard input in all, 0 to 67108864
          memory_bytes: 268435456  # of all its processes
          processes: 64            # and threads
          cpu_percent: 100         # of one processor: 200 are two

        # Programs that may run. A request names the path or the rule.
        # Patterns match an argument from start to end: ? is a character, * any characters, both
        # without /; ** also /; [a-z0-9] one of these; {1,8} how often; \\ quotes. An argument that
        # begins with - needs a pattern that begins with -.
        commands:
          - name: disk-space
            path: /usr/bin/df              # absolute; root's, and not writable by others
            arguments:
              - "--output=source,size,avail,target"
            more_arguments: {patterns: ["/**"], max: 4}
          - name: file-status
            path: /usr/bin/stat
            arguments:
              - ["--terse", "--file-system"]       # one of these
              - "/var/log/[A-Za-z0-9._-]{1,64}"
            argument_bytes_max: 128
            # user: nobody                 # as whom; whoever the service runs as, without it
            # run_as: [backup]             # users that a request may name instead
            directory: /
            # directories: [/srv]          # below which a request may name another
            environment: {LC_ALL: C.UTF-8}
            # environment_names: [SECTION] # what a request may set; never LD_* and the like
            limits: {timeout: 5, output_bytes: 65536}
            input: false                   # whether standard input may be fed
            signed: false

        # Programs and scripts that are not named above: Exec and UnsafeCommand. true, false, or a
        # mapping with shells, user, run_as, directories, environment_names, limits, input, signed.
        raw_commands: false

        # Scripts that the host has waiting. While off they are not even requested; always signed.
        pending_scripts: false

        # Files below these directories, and never through a symbolic link.
        files:
          read: [/var/log]
          write: []
          bytes_max: 16777216            # of one file
          # signed: true

        # Whose signatures count, and for what: read_only, actions, commands, raw_commands,
        # pending_scripts, files, all. Secrets stay outside: a credential of the unit, or a file of
        # mode 0600. vireo config key makes one.
        keys: []
        #  - kid: ops-1
        #    algorithm: ed25519            # or hmac-sha256, or infiniservice for its envelope
        #    public_key: BASE64            # or credential: NAME, or file: /etc/vireo/ops-1.key
        #    may: [actions, commands]

        """

    private static let allowAllText = """
        # Vireo's policy: everything is allowed to whoever reaches the port. For tests, and guests
        # that trust their host as much as they trust root.
        # Keep this file, and every directory above it, in root's hands and not writable by others.

        require_signature: none

        actions: all

        # Exec and UnsafeCommand with any program, in any directory.
        raw_commands:
          shells: [/bin/sh, /bin/bash]
          run_as: [root, nobody]
          directories: [/]
          # Names that a request may set. LD_* and the like are never set.
          environment_names: [DEBIAN_FRONTEND, HOME, LANG, LC_ALL, TERM, TZ]
          limits:
            timeout: 86400
            input_bytes: 67108864
            memory_bytes: 1073741824
            processes: 1024
            cpu_percent: 400
          input: true

        # These are always signed: turn them on together with a key that has pending_scripts.
        pending_scripts: false

        files:
          read: [/]
          write: [/]
          bytes_max: 1073741824

        """
}
