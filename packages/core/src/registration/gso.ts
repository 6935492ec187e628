import { GsoType } from '@stack/buffer'

/** Kinds of segmentation offload. @seed GSOType */
export { GsoType }

/**
 * How a super-packet is to be cut. On the path these are fields of the packet (`gsoType`, `gsoMss` …); this is their
 * shape where they travel together. @seed GSO
 */
export interface Gso {
  readonly type: number
  readonly needsChecksum: boolean
  /** From the start of the transport header to its checksum field. */
  readonly checksumOffset: number
  /** Payload bytes of each cut segment. */
  readonly mss: number
  readonly l3HeaderLength: number
  /** Largest super-packet the link takes, bytes with network header. */
  readonly maxSize: number
}

/** A link that cuts super-packets itself. @seed GSOEndpoint */
export interface GsoEndpoint {
  /** Largest super-packet accepted, bytes with network header (65,536 for software GSO). */
  readonly gsoMaxSize: number
}

/** Largest super-packet that the stack itself cuts, bytes. @seed SoftwareGSOMaxSize */
export const SOFTWARE_GSO_MAX_SIZE = 65536
