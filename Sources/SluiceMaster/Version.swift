// The release that `sluiced --version` names.

public enum Version {
    public static let text = "0.1.0"
}
