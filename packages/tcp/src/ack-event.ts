/** What one acknowledgment told. One object per stack is reused for all of them. */
export interface AckEvent {
  /** When it came, int32 µs: stamped at the entry, not when it is looked at. */
  arrival: number
  /** The timestamp that it echoes, when `hasEcho`. */
  echo: number
  hasEcho: boolean
  /** Sequence numbers by which SND.UNA moved. */
  acked: number
  /** Bytes newly known to have arrived, acknowledged or sacked. */
  delivered: number
  /** Bytes of those that only SACK blocks tell. */
  sacked: number
  /** Round trip of the oldest segment that was acknowledged and sent once, µs; 0 = none. */
  rtt: number
  /** The same of what was sacked. */
  sackRtt: number
  /** Something arrived that was sent once, before recovery began (F-RTO). */
  isOriginal: boolean
  /** Something acknowledged had been sent again. */
  isRetransmitted: boolean
  /** A duplicate ACK as RFC 5681 §2 has it, of a peer without SACK. */
  isDuplicate: boolean
  /** The peer got something twice (RFC 2883). */
  isDuplicateData: boolean
  /** Bytes newly held lost. */
  lost: number
  /** Bytes newly known to have come marked (RFC 3168), of those that arrived. */
  marked: number
  /** The peer tells of marks, though perhaps of no more bytes. */
  isMarked: boolean
}

export function createAckEvent(): AckEvent {
  return {
    arrival: 0, echo: 0, hasEcho: false, acked: 0, delivered: 0, sacked: 0, rtt: 0, sackRtt: 0,
    isOriginal: false, isRetransmitted: false, isDuplicate: false, isDuplicateData: false, lost: 0, marked: 0, isMarked: false,
  }
}

export function beginAck(event: AckEvent, arrival: number, echo: number, hasEcho: boolean): void {
  event.arrival = arrival
  event.echo = echo
  event.hasEcho = hasEcho
  event.acked = event.delivered = event.sacked = event.rtt = event.sackRtt = event.lost = event.marked = 0
  event.isOriginal = event.isRetransmitted = event.isDuplicate = event.isDuplicateData = event.isMarked = false
}
