// The tree of an expression as a table of nodes: reading it from its root.
import SluiceCEL
import Testing

@Test func aTreeIsReadByItsRoot() {
    var e = Expression(text: "1")
    e.nodes.append(Node(.literal(.int(1)), SourceRange(offset: 0, count: 1)))
    e.root = ExpressionID(0)
    guard case .literal(.int(1)) = e[e.root].kind else { Issue.record("found \(e[e.root].kind)"); return }
}
