//! Addresses, URLs and answers, one by one.

use std::net::IpAddr;

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::*;

fn kind(address: &str) -> AddressKind {
    AddressKind::of(address.parse().unwrap())
}

/// Kinds, each with first and last addresses of its ranges.
const RANGES: &[(&[&str], AddressKind)] = &[
    (
        &["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "18.203.0.10"],
        AddressKind::Public,
    ),
    (
        &["100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"],
        AddressKind::Public,
    ),
    (
        &["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0"],
        AddressKind::Public,
    ),
    (
        &["192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0"],
        AddressKind::Public,
    ),
    (
        &["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"],
        AddressKind::Public,
    ),
    (
        &[
            "198.51.99.255",
            "198.51.101.0",
            "203.0.112.255",
            "203.0.114.0",
            "223.255.255.255",
        ],
        AddressKind::Public,
    ),
    (
        &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255"],
        AddressKind::Private,
    ),
    (
        &["192.168.0.0", "192.168.255.255", "100.64.0.0", "100.127.255.255"],
        AddressKind::Private,
    ),
    (
        &["127.0.0.0", "127.0.0.1", "127.255.255.255"],
        AddressKind::Loopback,
    ),
    (
        &[
            "169.254.0.0",
            "169.254.169.253",
            "169.254.169.123",
            "169.254.255.255",
        ],
        AddressKind::LinkLocal,
    ),
    (
        &["169.254.169.254", "169.254.170.2", "169.254.170.23"],
        AddressKind::Metadata,
    ),
    (&["224.0.0.0", "239.255.255.255"], AddressKind::Multicast),
    (&["0.0.0.0", "0.255.255.255"], AddressKind::Unspecified),
    (
        &[
            "192.0.0.0",
            "192.0.0.255",
            "192.0.2.0",
            "192.0.2.255",
            "192.88.99.1",
        ],
        AddressKind::Reserved,
    ),
    (
        &["198.18.0.0", "198.19.255.255", "198.51.100.0", "203.0.113.255"],
        AddressKind::Reserved,
    ),
    (&["240.0.0.0", "255.255.255.255"], AddressKind::Reserved),
    (
        &[
            "2000::",
            "2600:1f18::1",
            "2a05:d018::1",
            "2001:200::",
            "2001:4860:4860::8888",
        ],
        AddressKind::Public,
    ),
    (
        &["2001:db7:ffff::", "2001:db9::", "3ffe::1", "3fff:1000::"],
        AddressKind::Public,
    ),
    (
        &["fc00::", "fdff:ffff::1", "fd00:ec1::254", "fd00:ec3::"],
        AddressKind::Private,
    ),
    (&["::1"], AddressKind::Loopback),
    (&["fe80::", "febf:ffff::1"], AddressKind::LinkLocal),
    (
        &["fd00:ec2::254", "fd00:ec2::23", "fd00:ec2::"],
        AddressKind::Metadata,
    ),
    (&["ff00::", "ff02::1", "ffff::"], AddressKind::Multicast),
    (&["::"], AddressKind::Unspecified),
    (
        &[
            "2001::",
            "2001:1ff:ffff::",
            "2001:db8::1",
            "3fff::1",
            "3fff:fff::1",
        ],
        AddressKind::Reserved,
    ),
    (
        &[
            "100::1",
            "1fff::",
            "4000::",
            "5f00::1",
            "fbff::",
            "fec0::1",
            "fe00::",
            "64:ff9b:1::1",
        ],
        AddressKind::Reserved,
    ),
    // One address within another is what it hides.
    (
        &[
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
        ],
        AddressKind::Metadata,
    ),
    (
        &["::ffff:127.0.0.1", "::7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::"],
        AddressKind::Loopback,
    ),
    (
        &["::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::1"],
        AddressKind::Private,
    ),
    (&["::ffff:0.0.0.0", "64:ff9b::"], AddressKind::Unspecified),
    (
        &["::ffff:8.8.8.8", "::8.8.8.8", "2002:808:808::1"],
        AddressKind::Reserved,
    ),
    (&["64:ff9b::8.8.8.8"], AddressKind::Public),
];

#[test]
fn every_range_is_told_by_its_first_and_last_address() {
    for (addresses, expected) in RANGES {
        for address in *addresses {
            assert_eq!(kind(address), *expected, "{address}");
        }
    }
}

#[test]
fn a_private_network_may_be_allowed_and_nothing_else() {
    use AddressKind::*;
    for (kind, plainly, allowed) in [
        (Public, true, true),
        (Private, false, true),
        (Loopback, false, false),
        (LinkLocal, false, false),
        (Metadata, false, false),
        (Multicast, false, false),
        (Unspecified, false, false),
        (Reserved, false, false),
    ] {
        assert_eq!(
            (kind.is_allowed(false), kind.is_allowed(true)),
            (plainly, allowed)
        );
    }
    let refused = |address: &str| refusal(address.parse().unwrap(), false);
    assert_eq!(
        refused("169.254.169.254").unwrap(),
        "169.254.169.254 gives out credentials (metadata)"
    );
    assert_eq!(
        refused("10.0.0.7").unwrap(),
        "10.0.0.7 is in a private network; `allowPrivate: true` would allow it"
    );
    assert_eq!(refused("18.203.0.10"), None);
}

proptest! {
    #[test]
    fn no_disguise_of_an_address_opens_what_is_closed(bits in any::<u32>(), shape in 0..5_usize) {
        let plain = std::net::Ipv4Addr::from_bits(bits);
        let high = u16::try_from(bits >> 16).unwrap_or_default();
        let low = u16::try_from(bits & 0xffff).unwrap_or_default();
        let dressed: IpAddr = match shape {
            0 => plain.to_ipv6_mapped().into(),
            1 => plain.to_ipv6_compatible().into(),
            2 => std::net::Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into(),
            3 => std::net::Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1).into(),
            _ => plain.into(),
        };
        for allow_private in [false, true] {
            let open = AddressKind::of(dressed).is_allowed(allow_private);
            prop_assert!(!open || AddressKind::of(plain.into()).is_allowed(allow_private), "{dressed}");
        }
        // What the standard library calls so is never public.
        if plain.is_private() || plain.is_loopback() || plain.is_link_local() || plain.is_multicast()
            || plain.is_unspecified() || plain.is_broadcast() || plain.is_documentation()
        {
            prop_assert!(AddressKind::of(plain.into()) != AddressKind::Public, "{plain}");
        }
    }

    #[test]
    fn what_was_read_of_a_url_is_read_the_same_again(text in "(https?://)?[a-z0-9.:@/\\\\?#\\[\\] -]{0,40}") {
        if let Ok(url) = HttpUrl::parse(&text) {
            let again = HttpUrl::parse(&url.to_string());
            prop_assert_eq!(again, Ok(url));
        }
    }
}

#[test]
fn urls_are_read_strictly() {
    for (text, written) in [
        ("https://web.example.com", "https://web.example.com/"),
        (
            "HTTPS://Web.Example.COM:443/Health?deep=1",
            "https://web.example.com/Health?deep=1",
        ),
        ("http://web:8080/a//b", "http://web:8080/a//b"),
        ("http://1.2.3.4?x", "http://1.2.3.4/?x"),
        ("https://[2600:1F18::1]:9443/", "https://[2600:1f18::1]:9443/"),
    ] {
        assert_eq!(
            HttpUrl::parse(text).map(|url| url.to_string()),
            Ok(written.to_owned()),
            "{text}"
        );
    }
    use UrlProblem::*;
    for (text, problem) in [
        ("web.example.com/health", Scheme),
        ("ftp://web.example.com", Scheme),
        ("file:///etc/passwd", Scheme),
        ("https://user:word@web.example.com/", Credentials),
        ("https://web.example.com@169.254.169.254/", Credentials),
        ("https:///health", Host),
        ("https://web..example.com/", Host),
        ("https://web.example.com./", Host),
        ("https://wéb.example.com/", Host),
        ("https://[fe80::1%25eth0]/", Host),
        ("https://[::1", Host),
        ("https://[::1]x/", Host),
        ("http://2130706433/", OddAddress),
        ("http://0x7f.1/", OddAddress),
        ("http://0x7f000001/", OddAddress),
        ("http://017700000001/", OddAddress),
        ("http://127.1/", OddAddress),
        ("http://127.0.0.1.2/", OddAddress),
        ("https://web:0/", Port),
        ("https://web:70000/", Port),
        ("https://web:+80/", Port),
        ("https://web:/", Port),
        ("https://a\\@b/", Path),
        ("https://web/ x", Path),
        ("https://web/#top", Path),
        ("https://web/\u{7f}", Path),
    ] {
        assert_eq!(HttpUrl::parse(text), Err(problem), "{text}");
    }
    assert_eq!(
        HttpUrl::parse(&format!("https://web/{}", "a".repeat(2000))),
        Err(Long)
    );
}

#[test]
fn only_redirects_on_the_same_host_are_followed() {
    let go = |from: &str, to: &str| HttpUrl::parse(from).unwrap().redirect(to);
    for (from, to, at) in [
        ("https://web/a/b?c", "/d", "https://web/d"),
        ("https://web/a/b?c", "d?e", "https://web/a/d?e"),
        ("https://web/a", "https://WEB:443/d#e", "https://web/d"),
        ("https://web:8443/a", "//web:8443/d", "https://web:8443/d"),
        ("http://web/a", "https://web/a", "https://web/a"),
    ] {
        assert_eq!(
            go(from, to).map(|url| url.to_string()),
            Ok(at.to_owned()),
            "{from} {to}"
        );
    }
    for (from, to, words) in [
        ("https://web/a", "https://other/a", "to another host: other"),
        (
            "https://web/a",
            "//169.254.169.254/latest",
            "to another host: 169.254.169.254",
        ),
        (
            "https://web/a",
            "http://web/a",
            "another port or scheme: http://web",
        ),
        (
            "https://web/a",
            "https://web:22/",
            "another port or scheme: https://web:22",
        ),
        ("http://web:8080/a", "https://web/a", "another port or scheme"),
        ("https://web/a", "ftp://web/a", "no good address"),
        ("https://web/a", "https://u:p@web/a", "no good address"),
    ] {
        let refused = go(from, to).unwrap_err();
        assert!(refused.contains(words), "{refused}");
        assert!(!refused.contains("u:p"), "{refused}");
    }
}

const DIGEST: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn identity() -> Identity<'static> {
    Identity {
        tag: Some("v2"),
        digest: DIGEST,
        commit: Some("8c5d1f0a3b7e"),
    }
}

fn test() -> HttpTest {
    HttpTest {
        name: "health".to_owned(),
        url: "https://${slot}.web.example.com/health".to_owned(),
        when: HttpMoment::AfterShift,
        status: 200,
        body: None,
        json: None,
        version: None,
        retries: 3,
        every_seconds: 5,
        timeout_seconds: 5,
    }
}

fn page(status: u16, body: &str) -> Page<'_> {
    Page {
        status,
        header: None,
        body: body.as_bytes(),
        cut: false,
    }
}

#[test]
fn a_test_asks_the_candidates_slot() {
    assert_eq!(test().url_of(Slot::Green), "https://green.web.example.com/health");
}

#[test]
fn status_body_and_values_must_be_as_the_test_says() {
    let judged = |test: &HttpTest, page| judge(test, identity(), page);
    assert_eq!(judged(&test(), page(200, "")), Ok(()));
    assert_eq!(
        judged(&test(), page(503, "<h1>down</h1>\nfor now")),
        Err("its status is 503, not 200: <h1>down</h1> for now".to_owned())
    );
    let mut body = test();
    body.body = Some("all well".to_owned());
    assert_eq!(judged(&body, page(200, "yes, all well!")), Ok(()));
    assert_eq!(
        judged(&body, page(200, "no")),
        Err("the body does not contain \"all well\"".to_owned())
    );
    let mut json = test();
    json.json = Some(JsonExpected {
        path: "/checks/0/ok".to_owned(),
        equals: "true".to_owned(),
    });
    assert_eq!(judged(&json, page(200, r#"{"checks":[{"ok":true}]}"#)), Ok(()));
    for (body, words) in [
        (
            r#"{"checks":[{"ok":false}]}"#,
            "/checks/0/ok: false is what the body says, not true",
        ),
        (r#"{"checks":[]}"#, "the body has nothing at /checks/0/ok"),
        (
            r#"{"checks":[{"ok":null}]}"#,
            "the body has nothing at /checks/0/ok",
        ),
        (
            r#"{"checks":[{"ok":{}}]}"#,
            "what the body has at /checks/0/ok is no text, number or flag",
        ),
        ("ok", "the body is no JSON"),
    ] {
        assert_eq!(judged(&json, page(200, body)), Err(words.to_owned()));
    }
    let long = Page {
        cut: true,
        ..page(200, r#"{"checks":[{"ok":true}]}"#)
    };
    assert!(judged(&json, long).unwrap_err().contains("64 KB"));
}

#[test]
fn the_version_is_the_tag_the_digest_or_the_commit() {
    for (said, good) in [
        ("v2", true),
        (DIGEST, true),
        (DIGEST.strip_prefix("sha256:").unwrap(), true),
        ("8c5d1f0a3b7e", true),
        ("8C5D1F0", true),
        ("8c5d1f", false),
        ("8c5d1f0a3b7e0", false),
        ("v1", false),
        ("2", false),
        ("", false),
    ] {
        assert_eq!(identity().is(said), good, "{said}");
    }
    let mut test = test();
    test.version = Some(VersionPlace::Json("/version".to_owned()));
    let judged = |test: &HttpTest, page| judge(test, identity(), page);
    assert_eq!(judged(&test, page(200, r#"{"version":"v2"}"#)), Ok(()));
    assert_eq!(
        judged(&test, page(200, r#"{"version":"v1"}"#)),
        Err("it says that it is v1, not v2 or 8c5d1f0a3b7e or sha256:222222222222".to_owned())
    );
    test.version = Some(VersionPlace::Header("x-version".to_owned()));
    assert_eq!(
        judged(&test, page(200, "")),
        Err("the answer has no header x-version".to_owned())
    );
    let header = Page {
        header: Some("v2"),
        ..page(200, "")
    };
    assert_eq!(judged(&test, header), Ok(()));
}

#[test]
fn what_is_kept_of_an_answer_is_short_and_masked() {
    let body = format!("password=hunter2 and {}", "x".repeat(5000));
    let kept = judge(&test(), identity(), page(500, &body)).unwrap_err();
    assert!(kept.chars().count() <= 200, "{kept}");
    assert!(!kept.contains("hunter2"), "{kept}");
    let mut json = test();
    json.json = Some(JsonExpected {
        path: "/db/password".to_owned(),
        equals: "x".to_owned(),
    });
    let kept = judge(&json, identity(), page(200, r#"{"db":{"password":"hunter2"}}"#)).unwrap_err();
    assert!(!kept.contains("hunter2"), "{kept}");
}

#[test]
fn moments_have_their_words_of_the_file() {
    assert_eq!(HttpMoment::BeforeTraffic.as_str(), "before-traffic");
    assert_eq!(HttpMoment::AfterShift.as_str(), "after-shift");
}

#[test]
fn what_is_kept_is_cut_at_exactly_its_limit() {
    assert_eq!(fit(&"x".repeat(200)), "x".repeat(200));
    let long = format!("{}…", "x".repeat(119));
    let answer = judge(&test(), identity(), page(500, &"x".repeat(5000))).unwrap_err();
    assert_eq!(answer, format!("its status is 500, not 200: {long}"));
}

#[test]
fn a_url_and_its_host_may_be_so_long_and_no_longer() {
    let url = |length: usize| {
        let start = "https://web.example.com/";
        format!("{start}{}", "x".repeat(length - start.len()))
    };
    assert!(HttpUrl::parse(&url(2000)).is_ok());
    assert_eq!(HttpUrl::parse(&url(2001)), Err(UrlProblem::Long));
    // Four labels of 62 characters and three points are 251.
    let label = "x".repeat(62);
    let host = |last: &str| format!("https://{label}.{label}.{label}.{label}{last}/");
    assert!(HttpUrl::parse(&host(".c")).is_ok());
    assert_eq!(HttpUrl::parse(&host(".co")), Err(UrlProblem::Host));
}

#[test]
fn only_what_is_all_zeros_before_an_ipv4_address_is_that_address() {
    assert_eq!(kind("::ffff:127.0.0.1"), AddressKind::Loopback);
    for other in [
        "0:0:1::7f00:1",
        "0:0:0:1::7f00:1",
        "::1:0:7f00:1",
        "0:0:1:0:0:ffff:7f00:1",
    ] {
        assert_eq!(kind(other), AddressKind::Reserved, "{other}");
    }
}

#[test]
fn sixty_four_kilobytes_of_a_body_are_read() {
    assert_eq!(BODY_LIMIT, 65_536);
}
