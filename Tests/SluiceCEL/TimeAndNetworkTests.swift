// Points of time, spans, addresses and networks by example.
import SluiceModel
import Testing

@testable import SluiceCEL

@Suite struct TimeAndNetworkTests {
    @Test(arguments: [
        ("string(timestamp('2024-02-29T12:30:45.250Z'))", "\"2024-02-29T12:30:45.25Z\""),
        ("string(timestamp('2024-02-29T12:30:45+02:00'))", "\"2024-02-29T10:30:45Z\""),
        ("timestamp('2023-02-29T00:00:00Z')", "invalidConversion"),
        ("timestamp('2024-02-29')", "invalidConversion"), ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "overflow"),
        ("timestamp('0001-01-01T00:00:00Z') - duration('1ns')", "overflow"), ("string(timestamp(0))", "\"1970-01-01T00:00:00Z\""),
        ("string(timestamp(-1))", "\"1969-12-31T23:59:59Z\""), ("timestamp(999999999999)", "overflow"),
        ("timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z')", "duration(\"86400s\")"),
        ("string(timestamp('2024-01-01T00:00:00Z') + duration('-1.5s'))", "\"2023-12-31T23:59:58.5Z\""),
        ("timestamp('2024-02-29T12:30:45Z').getFullYear()", "2024"), ("timestamp('2024-02-29T12:30:45Z').getMonth()", "1"),
        ("timestamp('2024-02-29T12:30:45Z').getDate()", "29"), ("timestamp('2024-02-29T12:30:45Z').getDayOfMonth()", "28"),
        ("timestamp('2024-02-29T12:30:45Z').getDayOfYear()", "59"), ("timestamp('2024-02-29T12:30:45Z').getDayOfWeek()", "4"),
        ("timestamp('2024-02-29T12:30:45Z').getHours()", "12"), ("timestamp('2024-02-29T12:30:45Z').getHours('+05:30')", "18"),
        ("timestamp('2024-02-29T12:30:45Z').getMinutes('+05:30')", "0"), ("timestamp('2024-02-29T23:30:45Z').getDate('+01:00')", "1"),
        ("timestamp('2024-02-29T12:30:45Z').getHours('UTC')", "12"),
        ("timestamp('2024-02-29T12:30:45Z').getHours('Europe/Berlin')", "unknownTimeZone"),
        ("timestamp('2024-02-29T12:30:45.123Z').getMilliseconds()", "123"), ("timestamp('1969-12-31T23:59:59Z').getSeconds()", "59"),
        ("duration('1h30m').getMinutes()", "90"), ("duration('1h').getHours()", "1"), ("duration('1m1s').getSeconds()", "61"),
        ("duration('123.321s').getMilliseconds()", "321"), ("string(duration('1h30m'))", "\"5400s\""),
        ("string(duration('-0.5s'))", "\"-0.5s\""),
        ("duration('1.5h') == duration('90m')", "true"), ("duration('1x')", "invalidConversion"), ("duration('')", "invalidConversion"),
        ("duration('99999999h')", "invalidConversion"), ("duration('100us') == duration('100000ns')", "true"),
        ("duration('1s') + duration('1s')", "duration(\"2s\")"),
    ])
    func times(_ text: String, _ wanted: String) { #expect(result(text) == wanted, "\(text)") }

    @Test(arguments: [
        ("ip('10.0.0.1')", "ip(\"10.0.0.1\")"), ("string(ip('2001:DB8::1'))", "\"2001:db8::1\""),
        ("ip('10.0.0.' + '256')", "invalidConversion"),
        ("isIP('::1')", "true"), ("isIP('1.2.3')", "false"), ("isIP('01.2.3.4')", "false"), ("ip.isCanonical('2001:db8::1')", "true"),
        ("ip.isCanonical('2001:DB8::1')", "false"), ("ip('::1').family()", "6"), ("ip('127.0.0.1').family()", "4"),
        ("ip('127.9.9.9').isLoopback()", "true"),
        ("ip('::1').isLoopback()", "true"), ("ip('0.0.0.0').isUnspecified()", "true"), ("ip('::').isUnspecified()", "true"),
        ("ip('224.0.0.1').isLinkLocalMulticast()", "true"), ("ip('ff02::1').isLinkLocalMulticast()", "true"),
        ("ip('169.254.1.1').isLinkLocalUnicast()", "true"),
        ("ip('fe80::1').isLinkLocalUnicast()", "true"), ("ip('10.0.0.1').isGlobalUnicast()", "true"),
        ("ip('255.255.255.255').isGlobalUnicast()", "false"),
        ("cidr('10.1.2.3/8').masked()", "cidr(\"10.0.0.0/8\")"), ("cidr('10.1.2.3/8').ip()", "ip(\"10.1.2.3\")"),
        ("cidr('10.1.2.3/8').prefixLength()", "8"),
        ("isCIDR('10.0.0.0/33')", "false"), ("isCIDR('10.0.0.0')", "false"), ("cidr('10.0.0.0/8').containsIP(ip('10.2.3.4'))", "true"),
        ("cidr('10.0.0.0/8').containsIP('11.2.3.4')", "false"), ("cidr('2001:db8::/32').containsIP('2001:db8:1::1')", "true"),
        ("cidr('0.0.0.0/0').containsIP('::1')", "false"), ("cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", "true"),
        ("cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))", "false"), ("string(cidr('2001:db8::/32'))", "\"2001:db8::/32\""),
        ("ip('10.0.0.1') == ip('10.0.0.1')", "true"), ("source.address == ip('127.0.0.1')", "true"),
    ])
    func networks(_ text: String, _ wanted: String) { #expect(result(text) == wanted, "\(text)") }

    @Test func everyDayOfFourCenturiesIsRightBothWays() {
        var weekday = 6  // 2000-01-01 was a Saturday
        for day in 10_957..<(10_957 + 146_097) {
            let c = CivilTime(seconds: Int64(day) * 86_400)
            #expect(CivilTime.days(c.year, c.month, c.day) == day)
            #expect(c.dayOfWeek == weekday)
            if (c.day == 1) != (CivilTime(seconds: Int64(day - 1) * 86_400).month != c.month) {
                Issue.record("month does not begin at \(day)")
            }
            weekday = (weekday + 1) % 7
        }
    }

    @Test func addressesReadWithoutMemoryAreThoseOfTheConfiguration() {
        let provider = SampleProvider()
        let texts = [
            "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3",
            ":1", "1:", ":::",
            "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3.4", "12345::", "g::", "1.2.3.4", "1.2.3",
            "1.2.3.4.5", "0.0.0.0",
            "256.1.1.1", "01.1.1.1", "1..2.3", ".1.2.3", "1.2.3.", "", "fe80::1%eth0", "1::8:0", "a:b:c:d:e:f:0:1",
        ]
        for text in texts {
            let mine = AddressText.parse(provider.make(.string(text)).view), theirs = IPAddress(text)
            #expect(mine?.high == theirs?.high && mine?.low == theirs?.low && mine?.isIPv4 == theirs?.isIPv4, "\(text)")
        }
    }
}
