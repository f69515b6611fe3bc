trait Source {
    async fn next(&self) -> u32;
}

struct Fixed;

impl Source for Fixed {
    async fn next(&self) -> u32 {
        42
    }
}

#[tokio::main]
async fn main() {
    let sources: Vec<Box<dyn Source>> = vec![Box::new(Fixed)];
    for source in &sources {
        println!("{}", source.next().await);
    }
}
