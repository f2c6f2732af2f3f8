// What `sluice abi` lists and what this host serves are the same.
import SluiceInspect
import Testing

@testable import SluicePlugins

@Suite struct ExtensionCatalogTests {
    @Test func whatIsServedIsListedAsReleased() {
        for (id, _) in HostTables.all {
            let fact = ExtensionCatalog.find(id)
            #expect(fact?.side == .host && fact?.status != .draft, "\(id)")
        }
        let promised = ExtensionCatalog.all.filter { $0.side == .host && $0.status != .draft }.map(\.id)
        #expect(HostTables.all.map(\.id).sorted() == promised.sorted())
    }

    @Test func draftsAreNotServed() {
        for fact in ExtensionCatalog.all where fact.status == .draft { #expect(HostTables.find(fact.id) == nil, "\(fact.id)") }
    }
}
