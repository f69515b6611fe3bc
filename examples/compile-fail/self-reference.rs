struct Request<'a> {
    line: String,
    method: &'a str, // points into `line`
}

fn main() {
    let line = String::from("GET /index.html");
    let method = &line[..3];
    let request = Request { line, method };
    println!("{} of {}", request.method, request.line);
}
