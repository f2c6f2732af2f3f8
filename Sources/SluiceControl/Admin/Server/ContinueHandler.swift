// `Expect: 100-continue` (RFC 9110 section 10.1.1): clients with a large body, curl among them, wait for a second before they send it unless
// they are told to go on. Hummingbird does not tell them. Which bodies are wanted is `LocalServer`'s decision.
import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Behind the HTTP codec, before Hummingbird. The version is not known there; HTTP/1.0 clients do not send the field.
final class ContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// False: a final answer comes without the body.
    private let isWanted: @Sendable (HTTPRequest) -> Bool
    /// Requests whose last part came, less answers whose last part left: a pipelined head must not cut in on an answer under way.
    private var answersDue = 0
    private var waiting = false

    init(isWanted: @escaping @Sendable (HTTPRequest) -> Bool) { self.isWanted = isWanted }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data) {
            if head.headerFields[.expect]?.lowercased() == "100-continue" && isWanted(head) {
                if answersDue == 0 { goOn(context) } else { waiting = true }
            }
            answersDue += 1
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        context.write(data, promise: promise)
        guard case .end = part else { return }
        answersDue -= 1
        if waiting && answersDue == 1 {
            waiting = false
            goOn(context)
        }
    }

    private func goOn(_ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }
}
