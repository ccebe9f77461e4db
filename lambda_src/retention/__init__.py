"""The function that gives new object versions their retention, and looks for versions without one."""
