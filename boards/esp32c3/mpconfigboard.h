// usip ESP32-C3 development board: what MicroPython's default for the chip lacks.
#define MICROPY_HW_BOARD_NAME "usip ESP32-C3 development board"
#define MICROPY_HW_MCU_NAME "ESP32-C3"

// A read-only file system in a partition of its own: our code runs from there, outside the heap.
#define MICROPY_VFS_ROM (1)
#define MICROPY_VFS_ROM_IOCTL (1)

// The REPL also on the pins of UART0, for boards with a USB to serial chip.
#define MICROPY_HW_ENABLE_UART_REPL (1)
