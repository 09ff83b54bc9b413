// The MCP2515's registers and instructions, by the names of its data sheet, DS20001801.
#pragma once

// ---- Instructions (table 12-1) ----
#define MCP_RESET 0xC0
#define MCP_READ 0x03
#define MCP_WRITE 0x02
#define MCP_READ_STATUS 0xA0
#define MCP_READ_RXB0 0x90 // from RXB0SIDH on; clears RX0IF at its end
#define MCP_READ_RXB1 0x94
#define MCP_LOAD_TXB(n) (0x40 + 2 * (n)) // from TXBnSIDH on
#define MCP_RTS(n) (0x80 + (1 << (n)))

// ---- What READ STATUS tells (figure 12-8) ----
#define STATUS_RX0IF 0x01
#define STATUS_RX1IF 0x02
#define STATUS_TXREQ(n) (0x04 << (2 * (n)))
#define STATUS_TXREQS 0x54

// ---- Registers (table 11-1) ----
#define CANSTAT 0x0E
#define CANCTRL 0x0F
#define TEC 0x1C
#define RXF3SIDH 0x10
#define RXM0SIDH 0x20
#define CNF3 0x28 // then CNF2, CNF1, CANINTE, CANINTF
#define CNF2 0x29
#define EFLG 0x2D
#define TXBCTRL(n) (0x30 + 0x10 * (n)) // writing 0 takes the frame back (TXREQ)
#define RXB0CTRL 0x60

#define OPMOD_NORMAL 0x00
#define OPMOD_LISTEN 0x60
#define OPMOD_CONFIGURATION 0x80
#define CANINTE_RX 0x03 // RX0IE, RX1IE
#define EFLG_TXBO 0x20
#define EFLG_TXWAR 0x04 // TEC is 96 or more
#define EFLG_RX1OVR 0x80
#define EFLG_RX0OVR 0x40
#define RXB0CTRL_BUKT 0x04 // a frame for a full RXB0 goes to RXB1
#define SIDL_SRR 0x10 // in a standard frame: a remote request
#define SIDL_IDE 0x08
#define DLC_MASK 0x0F
