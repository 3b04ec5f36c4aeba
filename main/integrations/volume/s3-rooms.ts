/** A stretch of received bytes; `giveBack` lets their memory be used again. */
interface Received {
  readonly bytes: Buffer
  giveBack(): void
}

/** Memory that a socket receives into, so that nothing is allocated or copied per packet. */
interface Rooms {
  /** Where the next packet goes. */
  next(): Buffer
  /** Takes in a packet that arrived there; false when there is no room for many more. */
  add(bytes: number): boolean
  /** What has arrived and was not taken, as far as it lies together; nothing while it is less than that. */
  take(wantedBytes: number): Received | undefined
  /** What has arrived and was not taken, without taking it; only of use while little has arrived. */
  peek(): Buffer
  skip(bytes: number): void
  clear(): void
}

interface Room {
  readonly memory: Buffer<ArrayBuffer>
  from: number
  to: number
}

const roomBytes = 1 << 19
/** Three: one is filled while another one is written and the third waits for its turn. */
const roomCount = 3
/** Less than this is not worth a call of the operating system. */
const leastBytes = 1 << 16

/** Makes the memory of one connection; `onRoom` is told when there is room again. */
export function createRooms(onRoom: () => void): Rooms {
  const free = Array.from({ length: roomCount }, () => Buffer.allocUnsafeSlow(roomBytes))
  const full: Room[] = []
  // More may arrive after the word to stop; then the memory grows instead of losing it.
  const another = (): Room => ({ memory: free.pop() ?? Buffer.allocUnsafeSlow(roomBytes), from: 0, to: 0 })
  const giveBack = ({ memory }: Room) => {
    if (free.length < roomCount) free.push(memory)
    onRoom()
  }
  let current = another()
  return {
    next: () => current.memory.subarray(current.to),
    add(bytes) {
      current.to += bytes
      if (current.memory.length - current.to < leastBytes) {
        full.push(current)
        current = another()
      }
      return free.length > 0
    },
    take(wantedBytes) {
      const room = full.shift()
      if (room !== undefined) return { bytes: stretch(room), giveBack: () => giveBack(room) }
      const bytes = stretch(current)
      if (bytes.length < Math.max(1, wantedBytes)) return undefined
      current.from = current.to
      return { bytes, giveBack: () => undefined }
    },
    peek: () => (full.length === 0 ? stretch(current) : Buffer.concat([...full, current].map(stretch))),
    skip(bytes) {
      let left = bytes
      for (const room of [...full, current]) {
        const skipped = Math.min(left, room.to - room.from)
        room.from += skipped
        left -= skipped
      }
    },
    clear() {
      for (const room of full.splice(0)) giveBack(room)
      // The next packet goes where the socket was told last.
      current.from = current.to
    },
  }
}

function stretch({ memory, from, to }: Room): Buffer {
  return memory.subarray(from, to)
}
