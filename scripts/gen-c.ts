// Writes the C headers of the porting surface and the HAL that has nothing.

import {
  ERRORS_HEADER,
  HAL_BLANK,
  HAL_HEADER,
  renderErrorsHeader,
  renderHalBlank,
  renderHalHeader,
} from "./c-contract.ts";
import { writeGenerated } from "./generated.ts";

writeGenerated(HAL_HEADER, renderHalHeader());
writeGenerated(ERRORS_HEADER, renderErrorsHeader());
writeGenerated(HAL_BLANK, renderHalBlank());
