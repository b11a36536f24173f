import Testing

@testable import Commands

@Suite struct PolicyPatternTests {
    @Test(arguments: [
        ("nginx", "nginx", true), ("nginx", "nginx2", false), ("nginx", "xnginx", false),
        ("", "", true), ("", "x", false),
        ("php*-fpm", "php8.2-fpm", true), ("php*-fpm", "php-fpm", true),
        ("php*-fpm", "php8-fpm;id", false), ("*", "anything else", true), ("*", "a/b", false),
        ("?", "x", true), ("?", "", false), ("?", "/", false), ("?", "\u{e9}", true),
        ("/srv/**", "/srv/a/b", true), ("/srv/*", "/srv/a/b", false), ("/srv/**", "/srvx", false),
        ("[a-z0-9-]{1,8}", "web-1", true), ("[a-z0-9-]{1,8}", "web-1-and-more", false),
        ("[a-z0-9-]{1,8}", "", false), ("[a-z]{3}", "abc", true), ("[a-z]{3}", "ab", false),
        ("[a-z]{0,2}x", "x", true), ("[a-z]{0,2}x", "xxx", true), ("[a-z]{0,2}x", "xxxx", false),
        ("\\*", "*", true), ("\\*", "x", false), ("a\\[b", "a[b", true), ("[\\]a]", "]", true),
        ("[a-]", "-", false), ("x[a-]", "x-", true), ("x[-a]", "x-", true),
    ])
    func itMatchesFromStartToEnd(pattern: String, text: String, isMatch: Bool) throws {
        #expect(try ArgumentPattern(pattern).matches(text) == isMatch, "\(pattern) on \(text)")
    }

    @Test func anArgumentWithADashNeedsAPatternWithADash() throws {
        for pattern in ["*", "**", "?rf", "[-a-z]{1,8}", "?{3}"] {
            #expect(try !ArgumentPattern(pattern).matches("-rf"), "\(pattern)")
        }
        #expect(try ArgumentPattern("-[a-z]{1,2}").matches("-rf"))
        #expect(try ArgumentPattern("--user=*").matches("--user=x"))
    }

    @Test func noWildcardMatchesControlCharacters() throws {
        for text in ["a\nb", "a\0b", "a\u{1b}[31m", "a\u{85}b", "a\u{7f}"] {
            #expect(try !ArgumentPattern("a**").matches(text))
            #expect(try !ArgumentPattern("a*").matches(text))
        }
    }

    @Test func noWildcardMatchesTheParentDirectory() throws {
        let pattern = try ArgumentPattern("/srv/**")
        for text in ["/srv/../etc/shadow", "/srv/..", "/srv/a/../../etc"] {
            #expect(!pattern.matches(text), "\(text)")
        }
        #expect(pattern.matches("/srv/..a/b"))
        #expect(try ArgumentPattern("../x").matches("../x"))
    }

    @Test(arguments: [
        "^a", "a$", "(a)", "a|b", "[a-z]*", "[a-z]+", "?*", "[", "[]", "[a", "[^a]", "[!a]",
        "[z-a]",
        "a{2}", "]", "}", "[a]{2,1}", "[a]{0}", "[a]{}", "[a]{1,2,3}", "[a]{-1}", "[a]{9999}",
        "[a]{1",
        "\\", "a\nb", "[\u{e9}]", "[a-z]{500}[a-z]{500}",
    ])
    func whatMeansSomethingElseElsewhereIsRefused(pattern: String) {
        let error = #expect(throws: PatternError.self, "\(pattern)") {
            try ArgumentPattern(pattern)
        }
        #expect(error?.remedy.isEmpty == false)
    }

    /// Steps are the text's length times the pattern's: what makes a backtracking matcher take
    /// for ever is nothing here. Without that this test would not end.
    @Test func repeatedWildcardsCostNoMoreThanTheirLength() throws {
        let pattern = try ArgumentPattern(String(repeating: "*a", count: 200) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 4000)))
    }
}
