const chunkedHead = /Transfer-Encoding: chunked\r\n(?:[^\r\n]+\r\n)*\r\n/g;
const chunkSize = /([1-9a-f][0-9a-f]*)\r\n/y;

/** Every chunked body as a single chunk: how a body was cut on its way is not part of what it says. */
export function joinChunks(stream: string): string {
  let joined = "";
  let at = 0;
  for (;;) {
    chunkedHead.lastIndex = at;
    if (chunkedHead.exec(stream) === null) return joined + stream.slice(at);
    joined += stream.slice(at, chunkedHead.lastIndex);
    at = chunkedHead.lastIndex;
    let body = "";
    for (;;) {
      chunkSize.lastIndex = at;
      const size = chunkSize.exec(stream);
      if (size === null) break;
      const end = chunkSize.lastIndex + Number.parseInt(size[1] ?? "", 16);
      body += stream.slice(chunkSize.lastIndex, end);
      at = end + 2;
    }
    if (body !== "") joined += `${body.length.toString(16)}\r\n${body}\r\n`;
  }
}
