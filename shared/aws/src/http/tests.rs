//! The real connector, against a server on this machine, which no test may ask.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, Ordering};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use tidegate_core::http::HttpMoment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// Leads every name to one place.
#[derive(Debug, Clone)]
struct Always(Vec<IpAddr>);

impl ResolveDns for Always {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(self.0.clone()))
    }
}

fn always(addresses: &[&str]) -> SharedDnsResolver {
    let addresses = addresses.iter().map(|one| one.parse().unwrap());
    SharedDnsResolver::new(Always(addresses.collect()))
}

const DIGEST: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn test() -> HttpTest {
    HttpTest {
        name: "health".to_owned(),
        url: String::new(),
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

async fn ask(connector: &SharedHttpConnector, test: &HttpTest, url: &str) -> (Option<u16>, String) {
    let asking = Asking {
        test,
        url: url.to_owned(),
        identity: Identity {
            tag: Some("v2"),
            digest: DIGEST,
            commit: None,
        },
        connector: Ok(connector),
        allow_private: false,
    };
    let tried = asking.once(1, &|| Timestamp::UNIX_EPOCH).await;
    (tried.status, tried.problem.unwrap_or_default())
}

/// A server that answers each connection with the next text, the last one again and again; `{port}` is
/// its own. It keeps what it was asked.
async fn serve(answers: Vec<String>) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        let number = AtomicU16::new(0);
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4096];
            let length = stream.read(&mut head).await.unwrap();
            let text = String::from_utf8_lossy(&head[..length]).into_owned();
            heard.lock().unwrap().push(text);
            let index = usize::from(number.fetch_add(1, Ordering::Relaxed)).min(answers.len() - 1);
            let answer = answers[index].replace("{port}", &port.to_string());
            // Whoever has read enough hangs up.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, asked)
}

fn answer(head: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Dials this machine, whatever the guard says.
fn unguarded() -> SharedHttpConnector {
    connector(always(&["127.0.0.1"])).unwrap()
}

/// With the guard around a resolver.
fn guarded(addresses: &[&str]) -> SharedHttpConnector {
    let guard = Guarded::new(always(addresses), false);
    connector(SharedDnsResolver::new(guard)).unwrap()
}

#[tokio::test]
async fn a_page_is_asked_and_read() {
    let (port, asked) = serve(vec![answer("200 OK\r\nx-version: v2", "all well")]).await;
    let mut test = test();
    test.body = Some("all well".to_owned());
    test.version = Some(VersionPlace::Header("x-version".to_owned()));
    let url = format!("http://web.test:{port}/health?deep=1");
    assert_eq!(ask(&unguarded(), &test, &url).await, (Some(200), String::new()));
    let asked = asked.lock().unwrap().concat().to_lowercase();
    assert!(asked.starts_with("get /health?deep=1 http/1.1"), "{asked}");
    assert!(asked.contains(&format!("host: web.test:{port}\r\n")), "{asked}");
    assert!(!asked.contains("authorization"), "{asked}");
}

#[tokio::test]
async fn a_name_that_leads_to_a_refused_address_is_not_dialled() {
    let (port, asked) = serve(vec![answer("200 OK", "")]).await;
    for (addresses, words) in [
        (&["127.0.0.1"][..], "127.0.0.1 is the function's own machine"),
        (&["169.254.169.254"], "169.254.169.254 gives out credentials"),
        (&["::ffff:127.0.0.1"], "is the function's own machine"),
        // One good address does not open the door for the other.
        (
            &["18.203.0.10", "127.0.0.1"],
            "127.0.0.1 is the function's own machine",
        ),
    ] {
        let url = format!("http://web.test:{port}/health");
        let (status, problem) = ask(&guarded(addresses), &test(), &url).await;
        assert_eq!(status, None);
        assert!(problem.starts_with("web.test is refused: "), "{problem}");
        assert!(problem.contains(words), "{problem}");
    }
    // These never get to a resolver.
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://[::1]:{port}/"),
    ] {
        let (_, problem) = ask(&guarded(&["18.203.0.10"]), &test(), &url).await;
        assert!(problem.contains("function's own machine"), "{problem}");
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn redirects_stay_on_their_host_and_are_not_endless() {
    let go = |to: &str| answer(&format!("302 Found\r\nlocation: {to}"), "");
    let url = |port: u16| format!("http://web.test:{port}/a");
    let (port, asked) = serve(vec![
        go("/b"),
        go("http://web.test:{port}/c"),
        answer("200 OK", ""),
    ])
    .await;
    assert_eq!(
        ask(&unguarded(), &test(), &url(port)).await,
        (Some(200), String::new())
    );
    assert_eq!(asked.lock().unwrap().len(), 3);

    let (port, asked) = serve(vec![go("http://169.254.169.254/latest/meta-data/")]).await;
    let (status, problem) = ask(&unguarded(), &test(), &url(port)).await;
    assert_eq!(status, Some(302));
    assert_eq!(problem, "it redirects to another host: 169.254.169.254");
    assert_eq!(asked.lock().unwrap().len(), 1);

    let (port, asked) = serve(vec![go("/again")]).await;
    let (_, problem) = ask(&unguarded(), &test(), &url(port)).await;
    assert_eq!(problem, "it redirects more than 3 times");
    assert_eq!(asked.lock().unwrap().len(), 4);

    // Who asks for the redirect itself gets it.
    let mut wanted = test();
    wanted.status = 302;
    let (port, _) = serve(vec![go("https://elsewhere.test/")]).await;
    assert_eq!(
        ask(&unguarded(), &wanted, &url(port)).await,
        (Some(302), String::new())
    );
}

#[tokio::test]
async fn of_a_long_body_the_first_part_is_read() {
    let (port, _) = serve(vec![answer(
        "200 OK",
        &format!("{}needle", "x".repeat(BODY_LIMIT)),
    )])
    .await;
    let mut test = test();
    test.body = Some("needle".to_owned());
    let (status, problem) = ask(&unguarded(), &test, &format!("http://web.test:{port}/")).await;
    assert_eq!(status, Some(200));
    assert!(problem.contains("its first 64 KB were read"), "{problem}");
}

#[tokio::test]
async fn what_does_not_answer_is_said_in_words() {
    // Nothing listens there.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (status, problem) = ask(&unguarded(), &test(), &format!("http://web.test:{port}/")).await;
    assert_eq!(status, None);
    assert!(problem.starts_with("web.test did not answer: "), "{problem}");
    assert!(problem.to_lowercase().contains("refused"), "{problem}");
    // A server that takes the connection and says nothing.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut slow = test();
    slow.timeout_seconds = 1;
    let (_, problem) = ask(&unguarded(), &slow, &format!("http://web.test:{port}/")).await;
    assert_eq!(problem, "there was no answer within 1 s");
    // A server without TLS.
    let (port, _) = serve(vec![answer("200 OK", "")]).await;
    let (_, problem) = ask(&unguarded(), &test(), &format!("https://web.test:{port}/")).await;
    assert!(problem.starts_with("web.test did not answer: "), "{problem}");
}
