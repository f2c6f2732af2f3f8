// The number of this release, said by `sluice version`, the admin API and the metrics.

public enum Release {
    public static let version = "0.1.0"
}
