//! Reading what a program says without keeping all of it.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads a pipe to its end and gives the last `kept` bytes of it.
pub async fn tail(pipe: Option<impl AsyncRead + Unpin>, kept: usize) -> Vec<u8> {
    let mut end = Vec::new();
    let Some(mut pipe) = pipe else {
        return end;
    };
    let mut block = [0; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut block).await {
        end.extend_from_slice(&block[..read]);
        end.drain(..end.len().saturating_sub(kept));
    }
    end
}
