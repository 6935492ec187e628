/**
 * Everything that can go wrong at the API, as a stable string. POSIX names stand for what the network did,
 * `ERR_STACK_*` for misuse. The same strings are returned (never thrown) on the packet path.
 * docs/errors.md is generated from this table; a test raises each.
 */
export const ERROR_CODES = {
  EACCES: 'The operation is not permitted: a broadcast destination without the broadcast option, a router that prohibits it (ICMPv6), or a missing right.',
  EADDRINUSE: 'The local address and port are taken, or no ephemeral port is free.',
  EADDRNOTAVAIL: 'The local address does not belong to this stack (or is still tentative, or was removed).',
  EAFNOSUPPORT: 'No installed network protocol owns the address.',
  ECONNABORTED: 'The connection was aborted locally.',
  ECONNREFUSED: 'The peer answered the connection attempt with a reset, or nobody listens on the UDP port.',
  ECONNRESET: 'The peer reset the connection.',
  EHOSTDOWN: 'The next hop did not answer address resolution.',
  EHOSTUNREACH: 'A router says that the host cannot be reached or is out of bounds, or no route leads there.',
  EINVAL: 'An argument is out of range for the network.',
  EMSGSIZE: 'The datagram is larger than the path or the protocol can carry.',
  ENETDOWN: 'The interface is down or was removed.',
  ENETUNREACH: 'No route leads to the network.',
  ENOBUFS: 'No packet memory or queue space is left; nothing was sent.',
  ENODEV: 'There is no such device or interface.',
  ENOPROTOOPT: 'The peer does not speak the transport protocol.',
  ENOTCONN: 'The endpoint is not connected.',
  EPIPE: 'The sending side of the connection is closed.',
  EPROTO: 'A packet broke its protocol.',
  ETIMEDOUT: 'The peer did not answer in time.',
  ERR_STACK_ALREADY_INSTALLED: 'Two plugins register under the same name or protocol number.',
  ERR_STACK_API_VERSION: 'A plugin or link was built for another major version of the plugin interface.',
  ERR_STACK_BUSY: 'Another call of the same kind is pending on this object, or the link belongs to a NIC already.',
  ERR_STACK_CLOSED: 'The stack, interface, listener or socket is closed.',
  ERR_STACK_INVALID_ADDRESS: 'The text is not an address of any installed network protocol.',
  ERR_STACK_INVALID_ARGUMENT: 'An argument has the wrong type or is out of its documented range.',
  ERR_STACK_INVALID_OPTION: 'An option is unknown, has the wrong type or is out of its documented range.',
  ERR_STACK_LIMIT: 'A documented limit was reached.',
  ERR_STACK_MISSING_PLUGIN: 'A plugin needs another one that is not installed.',
  ERR_STACK_NOT_SUPPORTED: 'The object cannot do this: the link, platform or protocol lacks it.',
  ERR_STACK_SETUP: "A plugin's setup failed or registered nothing.",
} as const

/** The codes of {@link ERROR_CODES}. */
export type ErrorCode = keyof typeof ERROR_CODES

/** What a function of the packet path answers: `null` when it went well, a code when not. Never an exception. */
export type Failure = ErrorCode | null
