//! Bytes flow, stop, and flow again; no server but an echo of our own is needed.

use std::{net::SocketAddr, time::Duration};

use elmo_testbed::{Cable, until};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

const A_WHILE: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn what_is_frozen_arrives_after_the_thaw() {
    let cable = Cable::to(echo_server().await).await.unwrap();
    let mut client = TcpStream::connect(cable.addr()).await.unwrap();
    assert_eq!(echo(&mut client, "one").await, "one");

    cable.freeze_towards_server();
    client.write_all(b"two").await.unwrap();
    assert!(timeout(A_WHILE, client.readable()).await.is_err());
    cable.thaw();
    assert_eq!(read(&mut client).await, "two");

    cable.freeze_towards_client();
    client.write_all(b"three").await.unwrap();
    assert!(timeout(A_WHILE, client.readable()).await.is_err());
    cable.thaw();
    assert_eq!(read(&mut client).await, "three");
}

#[tokio::test]
async fn a_cut_loses_what_was_frozen_and_refuses_until_it_is_mended() {
    let cable = Cable::to(echo_server().await).await.unwrap();
    let mut client = TcpStream::connect(cable.addr()).await.unwrap();
    assert_eq!(echo(&mut client, "one").await, "one");
    cable.freeze();
    client.write_all(b"two").await.unwrap();

    cable.cut().await;

    let end = client.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
    let refusal = TcpStream::connect(cable.addr()).await.unwrap_err();
    assert_eq!(refusal.kind(), std::io::ErrorKind::ConnectionRefused);

    cable.mend().await.unwrap();

    let mut client = TcpStream::connect(cable.addr()).await.unwrap();
    assert_eq!(echo(&mut client, "three").await, "three");
    assert_eq!(cable.connections(), 2);
}

#[tokio::test]
async fn much_flows_both_ways_and_its_end_too() {
    let cable = Cable::to(echo_server().await).await.unwrap();
    let client = TcpStream::connect(cable.addr()).await.unwrap();
    let (mut reader, mut writer) = client.into_split();
    let sent: Vec<u8> = (0..3_000_000u32).map(|number| number.to_le_bytes()[0]).collect();
    let mut received = Vec::new();

    let (written, read) = tokio::join!(
        async {
            writer.write_all(&sent).await?;
            writer.shutdown().await
        },
        reader.read_to_end(&mut received)
    );

    written.unwrap();
    read.unwrap();
    assert!(received == sent);
}

#[tokio::test]
async fn a_server_that_does_not_run_resets_the_client() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], elmo_testbed::free_port()));
    let cable = Cable::to(nobody).await.unwrap();

    let mut client = TcpStream::connect(cable.addr()).await.unwrap();

    assert!(client.read(&mut [0; 8]).await.is_err());
}

#[tokio::test]
#[should_panic(expected = "in vain until the moon is cheese")]
async fn waiting_in_vain_says_what_for() {
    until("the moon is cheese", A_WHILE, async || false).await;
}

async fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reader, mut writer) = client.split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    addr
}

async fn echo(client: &mut TcpStream, text: &str) -> String {
    client.write_all(text.as_bytes()).await.unwrap();
    read(client).await
}

async fn read(client: &mut TcpStream) -> String {
    let mut buffer = [0; 64];
    let length = timeout(LONG, client.read(&mut buffer)).await.unwrap().unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}
