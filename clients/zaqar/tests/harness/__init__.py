"""What runs Zaqar's suites on a storage driver: servers, configurations, a pytest plug-in, a lossy proxy."""
