/// The version of Vireo, as handshakes and `--version` say it. Source: CHANGELOG.md.
public let agentVersion = "0.1.0"
