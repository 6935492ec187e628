/**
 * The wire format of ipv6: views, checked parsers and writers, without stack types.
 *
 * @packageDocumentation
 */
export {}
