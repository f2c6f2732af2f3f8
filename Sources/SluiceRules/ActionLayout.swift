// What a route does besides proxying to one cluster or giving a fixed answer, as the image says it: plain records, made in
// `ImageCompiler+Actions.swift` and checked in `ImageCheck+Actions.swift`. A route without any of it has no record here, and its requests pay
// nothing for it. What workers do with them is in SluicePipeline (`Pipeline+Actions.swift`).
import SluiceBytes
import SluiceModel

/// One piece of a `TemplateText`.
@frozen public struct TemplatePart {
    /// `TemplateText.Value` and `TemplateText.Encoding` raw values.
    public var value: UInt8 = 0
    public var encoding: UInt8 = 0
    /// 0...9, for a group.
    public var group: UInt16 = 0
    public var reserved: UInt32 = 0
    /// The literal, or the name of a parameter.
    public var text = ImageText()
    public init() {}
}

@frozen public struct SplitBranch {
    public var cluster: UInt32 = 0
    /// 0...65535
    public var weight: UInt32 = 0
    /// Hash of route and cluster id: the branch in cookies and in the choice by hash, whatever its place and weight.
    public var key: UInt64 = 0
    public init() {}
}

public enum StickyKind: UInt8, Sendable { case none = 0, cookie, header, address }

@frozen public struct RouteExtras {
    /// Run of SplitBranch; empty = no split.
    public var branches = ImageRange()
    /// Runs of TemplatePart; an empty run is an empty text, whether there is one `flags` tells.
    public var path = ImageRange()
    public var replacement = ImageRange()
    public var host = ImageRange()
    public var query = ImageRange()
    public var location = ImageRange()
    /// Expression of RE2 that `replacement` belongs to.
    public var pattern = ImageText()
    /// Name of the cookie or header that keeps a client on its branch.
    public var stickyName = ImageText()
    /// What stands behind the cookie's value: "; Path=/; …".
    public var cookieAttributes = ImageText()
    public var maintenanceBody = ImageText()
    /// Ready header lines.
    public var maintenanceLines = ImageText()
    /// Index of the program whose requests pass in spite of maintenance, or UInt32.max.
    public var unless: UInt32 = .max
    public var maintenanceStatus: UInt32 = 0
    public var flags: UInt32 = 0
    /// `StickyKind`
    public var sticky: UInt32 = 0
    public init() {}

    public static let rewritesPath: UInt32 = 1
    public static let replacesPath: UInt32 = 2
    public static let rewritesHost: UInt32 = 4
    public static let rewritesQuery: UInt32 = 8
    public static let expandsLocation: UInt32 = 16
    public static let maintains: UInt32 = 32
    /// The location begins with two slashes on purpose.
    public static let namesHost: UInt32 = 64
    @inlinable public var rewrites: Bool { flags & 15 != 0 }
}

extension ImageView {
    @inlinable public var extras: UnsafeBufferPointer<RouteExtras> { records(header.pointee.extras) }
    @inlinable public func branches(_ extras: UnsafePointer<RouteExtras>) -> UnsafeBufferPointer<SplitBranch> {
        records(extras.pointee.branches)
    }
    @inlinable public func template(_ run: ImageRange) -> UnsafeBufferPointer<TemplatePart> { records(run) }
}
