trait Source {
    async fn next(&self) -> u32;
}

fn start<S: Source + Send + Sync + 'static>(source: S) {
    tokio::spawn(async move {
        println!("{}", source.next().await);
    });
}

struct Fixed;

impl Source for Fixed {
    async fn next(&self) -> u32 {
        42
    }
}

#[tokio::main]
async fn main() {
    start(Fixed);
}
