// How the router asks whether a route's condition holds, without knowing what a request is: a function of whoever has the request.

/// Lent to each lookup. Runs in the thread of the lookup; must not keep what it is given.
@frozen public struct Conditions {
    /// Handed to `holds` as it is.
    public var context: UnsafeMutableRawPointer?
    /// Whether the program with this index in the image is true; an error counts as false.
    public var holds: @convention(c) (UnsafeMutableRawPointer?, UInt32) -> Bool
    @inlinable public init(context: UnsafeMutableRawPointer?, holds: @escaping @convention(c) (UnsafeMutableRawPointer?, UInt32) -> Bool) {
        self.context = context
        self.holds = holds
    }
    /// No condition is true: routes that have one are passed over.
    @inlinable public static var none: Conditions { Conditions(context: nil) { _, _ in false } }
}
