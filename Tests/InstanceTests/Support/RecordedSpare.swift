import Cryptobox
import Recording
import Trace
import Wire
import WireBytes

/// A recorded connection that registers: what the CommServer told it up to the handover, and what it answered.
struct RecordedSpare {
  let conn: String
  let secret: SecretKey
  /// The nonce of its authentication_response.
  let nonce: [UInt8]
  let received: [String]
  let sent: [String]

  static func all(_ recording: String) throws -> [RecordedSpare] {
    let lines = try Fixtures.bytes("Recordings/\(recording).ndjson").split(separator: 0x0A)
    let header = try RecordingHeader(try JSONValue.parse(Array(lines.first ?? [])))
    var received: [String: [String]] = [:]
    var sent: [String: [String]] = [:]
    var over: Set<String> = []
    var order: [String] = []
    for (index, bytes) in lines.dropFirst().enumerated() {
      let line = try RecordedLine(Array(bytes), number: index + 2)
      guard case .message(let payload, _, _) = line.content, !over.contains(line.conn) else { continue }
      guard case .text(let text) = payload else {
        over.insert(line.conn)
        continue
      }
      if line.direction == .fromClient {
        if sent[line.conn] == nil { order.append(line.conn) }
        sent[line.conn, default: []].append(text)
      } else {
        if text == CommServerMessage.connectionHandover.text {
          over.insert(line.conn)
          continue
        }
        received[line.conn, default: []].append(text)
      }
    }
    return order.compactMap { conn in
      guard let texts = sent[conn], texts.count >= 2, let first = texts.first,
        case .register(let hex)? = try? CommServerMessage.decode(first),
        case .authenticationResponse(let response)? = try? CommServerMessage.decode(texts[1]),
        let key = PublicKey(hex: hex), let pair = header.staticKeys.first(where: { $0.publicKey == key }),
        let bytes = Hex.decode(response)
      else { return nil }
      return RecordedSpare(
        conn: conn, secret: pair.secretKey, nonce: Array(bytes.prefix(24)), received: received[conn] ?? [], sent: texts)
    }
  }
}
