// The scenarios of the benchmark with gVisor's netstack: two stacks in one process, joined by netstack's own pipe, on which
// every checksum is computed and verified. Prints one line of JSON: what was done per second, and the µs of CPU time for each.
//
//	netstack bulk MTU BYTES | rr SIZE COUNT | crr COUNT | udp COUNT
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

const (
	nic  = 1
	port = 5001
	// hosts is how many addresses the server has: ports of clients in TIME-WAIT must not run out.
	hosts = 16
	// chunk is how much one call writes or reads.
	chunk = 256 << 10
	// warmUp is the part of the work that is done once more before the clock runs.
	warmUp = 10
)

var client = address(1)

func address(last byte) tcpip.Address { return tcpip.Address([]byte{10, 0, 0, last}) }

func server(i int) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: nic, Addr: address(byte(2 + i%hosts)), Port: port}
}

func main() {
	amount, work := scenario(os.Args[1:])
	work(amount / warmUp)
	began, used := time.Now(), cpu()
	work(amount)
	took, spent := time.Since(began).Seconds(), cpu()-used
	units := float64(amount)
	if os.Args[1] == "bulk" {
		units /= 1e6
	}
	must(json.NewEncoder(os.Stdout).Encode(map[string]float64{"value": units / took, "cpu": spent * 1e6 / units}))
}

func scenario(arguments []string) (int, func(int)) {
	switch {
	case len(arguments) == 3 && arguments[0] == "bulk":
		return number(arguments[2]), bulk(number(arguments[1]))
	case len(arguments) == 3 && arguments[0] == "rr":
		return number(arguments[2]), requestResponse(number(arguments[1]))
	case len(arguments) == 2 && arguments[0] == "crr":
		return number(arguments[1]), connectRequestClose()
	case len(arguments) == 2 && arguments[0] == "udp":
		return number(arguments[1]), datagrams()
	}
	fmt.Fprintln(os.Stderr, "usage: netstack bulk MTU BYTES | rr SIZE COUNT | crr COUNT | udp COUNT")
	os.Exit(2)
	return 0, nil
}

// pair gives two stacks joined by a pipe, the server with several addresses.
func pair(mtu int) (*stack.Stack, *stack.Stack) {
	left, right := pipe.New("\x02\x00\x00\x00\x00\x01", "\x02\x00\x00\x00\x00\x02", uint32(mtu))
	near, far := newStack(left), newStack(right)
	assign(near, client)
	for i := 0; i < hosts; i++ {
		assign(far, server(i).Addr)
	}
	return near, far
}

// newStack sets what netstack's embedders set: SACK, buffers that tune themselves, and ports that leave TIME-WAIT early.
func newStack(link stack.LinkEndpoint) *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol},
	})
	sack, moderate, reuse := tcpip.TCPSACKEnabled(true), tcpip.TCPModerateReceiveBufferOption(true), tcpip.TCPTimeWaitReuseGlobal
	send := tcpip.TCPSendBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: 1 << 20, Max: 8 << 20}
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: tcp.MinBufferSize, Default: 1 << 20, Max: 8 << 20}
	for _, option := range []tcpip.SettableTransportProtocolOption{&sack, &moderate, &reuse, &send, &receive} {
		check(s.SetTransportProtocolOption(tcp.ProtocolNumber, option))
	}
	check(s.CreateNIC(nic, link))
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: nic}})
	return s
}

func assign(s *stack.Stack, addr tcpip.Address) {
	check(s.AddProtocolAddress(nic, tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: addr, PrefixLen: 24},
	}, stack.AddressProperties{}))
}

// listen accepts at every address of the server.
func listen(far *stack.Stack, serve func(net.Conn)) {
	listener, err := gonet.ListenTCP(far, tcpip.FullAddress{NIC: nic, Port: port}, ipv4.ProtocolNumber)
	must(err)
	go func() {
		for {
			connection, err := listener.Accept()
			must(err)
			go serve(connection)
		}
	}()
}

func dial(near *stack.Stack, i int) net.Conn {
	connection, err := gonet.DialTCP(near, server(i), ipv4.ProtocolNumber)
	must(err)
	return connection
}

func bulk(mtu int) func(int) {
	near, far := pair(mtu)
	accepted := make(chan net.Conn)
	listen(far, func(connection net.Conn) { accepted <- connection })
	connection := dial(near, 0)
	peer := <-accepted
	data, into := make([]byte, chunk), make([]byte, chunk)
	return func(bytes int) {
		rounds := (bytes + chunk - 1) / chunk
		go func() {
			for i := 0; i < rounds; i++ {
				_, err := connection.Write(data)
				must(err)
			}
		}()
		for left := rounds * chunk; left > 0; {
			count, err := peer.Read(into)
			must(err)
			left -= count
		}
	}
}

func requestResponse(size int) func(int) {
	near, far := pair(1500)
	listen(far, func(connection net.Conn) { echo(connection, make([]byte, size)) })
	connection := dial(near, 0)
	message := make([]byte, size)
	return func(count int) {
		for i := 0; i < count; i++ {
			ask(connection, message)
		}
	}
}

func connectRequestClose() func(int) {
	near, far := pair(1500)
	listen(far, func(connection net.Conn) {
		echo(connection, make([]byte, 64))
		must(connection.Close())
	})
	message := make([]byte, 64)
	next := 0
	return func(count int) {
		for i := 0; i < count; i++ {
			connection := dial(near, next)
			next++
			ask(connection, message)
			must(connection.Close())
		}
	}
}

func datagrams() func(int) {
	near, far := pair(1500)
	host := server(0)
	receiver, err := gonet.DialUDP(far, &host, nil, ipv4.ProtocolNumber)
	must(err)
	sender, err := gonet.DialUDP(near, nil, &host, ipv4.ProtocolNumber)
	must(err)
	data, into := make([]byte, 1200), make([]byte, 1500)
	// The default receive buffer holds no more. The pipe delivers during the call, so that one goroutine does both.
	const batch = 16
	return func(count int) {
		for done := 0; done < count; done += batch {
			for i := 0; i < batch; i++ {
				_, err := sender.Write(data)
				must(err)
			}
			for i := 0; i < batch; i++ {
				_, err := receiver.Read(into)
				must(err)
			}
		}
	}
}

func ask(connection net.Conn, message []byte) {
	_, err := connection.Write(message)
	must(err)
	_, err = io.ReadFull(connection, message)
	must(err)
}

// echo answers until the client closes.
func echo(connection net.Conn, message []byte) {
	for {
		if _, err := io.ReadFull(connection, message); err == io.EOF {
			return
		} else {
			must(err)
		}
		_, err := connection.Write(message)
		must(err)
	}
}

// cpu is the CPU time of this process in seconds.
func cpu() float64 {
	var usage syscall.Rusage
	must(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return seconds(usage.Utime) + seconds(usage.Stime)
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

func number(text string) int {
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

func check(err tcpip.Error) {
	if err != nil {
		panic(err.String())
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
