// The integer names of AssemblyScript, so that tsc can read spec/ and hal.d.ts.

type i8 = number;
type u8 = number;
type i16 = number;
type u16 = number;
type i32 = number;
type u32 = number;
type isize = number;
type usize = number;
