; memset for long stretches: 2.7 cycles a byte, where avr-libc takes 6. A node zeroes the memory of every app that goes.

.section .text.memset, "ax", @progbits
.global memset
.type memset, @function
memset: ; r25:r24 where, r22 value, r21:r20 bytes
  movw r26, r24
1:
  subi r20, 8
  sbci r21, 0
  brcs 2f
  .rept 8
  st X+, r22
  .endr
  rjmp 1b
2:
  subi r20, -8 ; 0 to 7 are left
3:
  subi r20, 1
  brcs 4f
  st X+, r22
  rjmp 3b
4:
  ret
.size memset, . - memset
