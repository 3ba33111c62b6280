//! A crowd at one address is answered by one making of the page: requests in, the same answer for all of them out.
//!
//! Nobody is given what was read before they asked. Whoever comes while the page is being made may know of something that the
//! making has missed, so they wait for the next one, together with all who come until that begins. So an address is made once at
//! a time, the makings are as fresh as if everybody were alone, and nothing is kept once all have their answers.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, header, response::Parts};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// The addresses that somebody waits at.
#[derive(Clone, Default)]
pub(super) struct Crowds(Arc<Mutex<HashMap<String, Crowd>>>);

/// Those who wait at one address.
#[derive(Clone, Default)]
struct Crowd {
    /// Held by whoever makes the page.
    making: Arc<tokio::sync::Mutex<()>>,
    /// The answer of the making that has not begun.
    next: Arc<OnceCell<Answer>>,
}

/// A whole answer.
#[derive(Clone)]
struct Answer {
    head: Parts,
    body: Bytes,
}

/// A place in a crowd. The last one to leave takes the crowd away.
struct Place {
    crowds: Crowds,
    address: String,
    crowd: Crowd,
}

/// Answers a request together with those who ask for the same. A HEAD, or one that names what its browser has, is by itself.
pub(super) async fn answer(State(crowds): State<Crowds>, request: Request, next: Next) -> Response {
    if request.method() != Method::GET || request.headers().contains_key(header::IF_NONE_MATCH) {
        return next.run(request).await;
    }
    let place = crowds.join(request.uri().to_string());
    let Answer { head, body } = place.crowd.next.get_or_init(|| place.make(request, next)).await.clone();
    Response::from_parts(head, Body::from(body))
}

impl Crowds {
    fn join(&self, address: String) -> Place {
        let crowd = self.with(|crowds| crowds.entry(address.clone()).or_default().clone());
        Place { crowds: self.clone(), address, crowd }
    }

    fn with<T>(&self, ask: impl FnOnce(&mut HashMap<String, Crowd>) -> T) -> T {
        ask(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Place {
    async fn make(&self, request: Request, next: Next) -> Answer {
        let _turn = self.crowd.making.lock().await;
        self.close();
        let (head, body) = next.run(request).await.into_parts();
        // Bodies are whole already, so that there is no error to be had and nothing to be copied.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        Answer { head, body }
    }

    /// Whoever comes from now on waits for the making after this one.
    fn close(&self) {
        self.crowds.with(|crowds| {
            if let Some(crowd) = crowds.get_mut(&self.address).filter(|crowd| Arc::ptr_eq(&crowd.next, &self.crowd.next)) {
                crowd.next = Arc::default();
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let crowd = std::mem::take(&mut self.crowd);
        self.crowds.with(|crowds| {
            drop(crowd);
            if crowds.get(&self.address).is_some_and(|crowd| Arc::strong_count(&crowd.making) == 1) {
                crowds.remove(&self.address);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{Crowds, answer};
    use axum::Router;
    use axum::extract::State;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Semaphore;
    use tokio::task::JoinHandle;

    /// A page that says how often it was made, each time once it may be.
    #[derive(Clone)]
    struct Slow {
        makings: Arc<AtomicUsize>,
        may: Arc<Semaphore>,
    }

    async fn make(State(slow): State<Slow>) -> String {
        let number = slow.makings.fetch_add(1, Ordering::SeqCst) + 1;
        slow.may.acquire().await.unwrap().forget();
        number.to_string()
    }

    async fn served() -> (SocketAddr, Slow, Crowds) {
        let (slow, crowds) = (Slow { makings: Arc::default(), may: Arc::new(Semaphore::new(0)) }, Crowds::default());
        let router = Router::new().route("/page", get(make)).layer(from_fn_with_state(crowds.clone(), answer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, router.with_state(slow.clone())).into_future());
        (address, slow, crowds)
    }

    /// Asks for the page; gives what its body says.
    fn ask(address: SocketAddr) -> JoinHandle<String> {
        tokio::spawn(async move {
            let mut connection = TcpStream::connect(address).await.unwrap();
            connection.write_all(b"GET /page HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await.unwrap();
            answer.rsplit("\r\n").next().unwrap_or_default().to_owned()
        })
    }

    async fn until_there_are(waiting: usize, crowds: &Crowds) {
        let count = || crowds.with(|crowds| crowds.get("/page").map_or(0, |crowd| Arc::strong_count(&crowd.making) - 1));
        while count() != waiting {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn all_who_come_while_a_page_is_made_are_answered_by_the_next_making() {
        let (address, slow, crowds) = served().await;
        let first = ask(address);
        while slow.makings.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (0..20).map(|_| ask(address)).collect();
        until_there_are(21, &crowds).await;

        slow.may.add_permits(2);

        assert_eq!(first.await.unwrap(), "1");
        for other in others {
            assert_eq!(other.await.unwrap(), "2", "nobody is given what was read before they asked");
        }
        until_there_are(0, &crowds).await;
        assert!(crowds.with(|crowds| crowds.is_empty()), "nothing is kept");
    }

    #[tokio::test]
    async fn whoever_leaves_while_making_leaves_it_to_another() {
        let (address, slow, crowds) = served().await;
        let first = ask(address);
        while slow.makings.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let second = ask(address);
        until_there_are(2, &crowds).await;

        first.abort();

        slow.may.add_permits(2);
        assert_eq!(second.await.unwrap(), "2");
    }
}
