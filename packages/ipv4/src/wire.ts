/**
 * The wire format of ipv4: views, checked parsers and writers, without stack types.
 *
 * @packageDocumentation
 */
export {}
